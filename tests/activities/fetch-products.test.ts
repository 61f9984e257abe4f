import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { RequestListener, Server } from 'node:http'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { sampleShopContracts } from '../../domain/contracts/sample-shop.ts'
import { fetchToLanding } from '../../platform/landing/fetch-to-landing.ts'
import { sampleShop } from '../support/sample-day.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'
import { tempFolder } from '../support/temp-folder.ts'

let database: TestDatabase
let server: Server
let base = ''
let asked: string[] = []
let answer: RequestListener = () => undefined
beforeAll(async () => {
  database = await testDatabase()
  server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(request, response)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = z.object({ port: z.number() }).parse(server.address())
  base = `http://127.0.0.1:${port}`
})
beforeEach(() => {
  asked = []
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((closed) => server.close(closed))
  await database.drop()
})

const catalogue = JSON.stringify([{ product_id: 'P-1', name: 'Cup', price: 3 }])
const today = new Date().toISOString().slice(0, 10)

/** What extracting today's catalogue from the API comes to, and what then lies in the landing zone. */
function extractFromApi(path = '/products', user = '') {
  const shop = sampleShop(database.db, {
    PRODUCTS_API_URL: `${base.replace('//', `//${user}`)}${path}`,
  })
  const folder = join(shop.landingDir, 'products')
  const input = { date: today, source: 'products' }
  const extracting = shop.runTask('extract_products', shop.activities.extractSource, input)
  return { extracting, landed: () => (existsSync(folder) ? readdirSync(folder) : []), folder }
}

test('an answer becomes a file of the landing zone, and is loaded', async () => {
  answer = (_, response) => response.end(catalogue)
  const { extracting, landed, folder } = extractFromApi()
  expect(await extracting).toMatchObject({ files: 1, rowsIn: 1 })
  expect(landed()).toEqual([`products_${today}.json`])
  expect(readFileSync(join(folder, `products_${today}.json`), 'utf8')).toBe(catalogue)
})

describe('an answer that is no delivery leaves nothing, and is asked for again', () => {
  test.each<[string, RequestListener, RegExp]>([
    [
      'an error that says 200',
      (_, response) => response.end('{"error":"try later"}'),
      /What 127\.0\.0\.1:\d+ answered is no products record: "\{"error":"try later"\}"/,
    ],
    [
      'a page',
      (_, response) => response.end('<html>Sorry</html>'),
      /answered is not JSON records: it starts with "<html>Sorry<\/html>"/,
    ],
    [
      'half an array',
      (_, response) => response.end(catalogue.slice(0, -1)),
      /answered is cut off: it ends inside record 1/,
    ],
    ['nothing', (_, response) => response.end(), /answered holds no JSON at all/],
    [
      'less than it announced',
      (_, response) => {
        response.writeHead(200, { 'content-length': '1000' })
        response.write(catalogue, () => response.destroy())
      },
      /aborted/,
    ],
    [
      'other bytes than it was asked for',
      (_, response) => response.writeHead(200, { 'content-encoding': 'br' }).end('x'),
      /answered in br, which was not asked for/,
    ],
    [
      'a refusal',
      (_, response) => response.writeHead(404).end('[]'),
      /127\.0\.0\.1:\d+ answered 404 Not Found/,
    ],
    ['no content', (_, response) => response.writeHead(204).end(), /answered 204 No Content/],
  ])('%s', async (_, listener, message) => {
    answer = listener
    const { extracting, landed } = extractFromApi()
    const error: unknown = await extracting.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ message: expect.stringMatching(message) })
    expect(error).not.toMatchObject({ nonRetryable: true })
    expect(landed()).toEqual([])
  })
})

test.each<[string, () => string, number, number]>([
  ['seconds', () => '120', 120_000, 120_000],
  ['a date', () => new Date(Date.now() + 600_000).toUTCString(), 590_000, 600_000],
  ['years', () => '999999999', 3_600_000, 3_600_000],
])(
  'an API that names %s in Retry-After is asked then, within an hour',
  async (_, when, from, to) => {
    answer = (_, response) => response.writeHead(429, { 'retry-after': when() }).end()
    const { extracting } = extractFromApi()
    const error = z
      .object({
        message: z.string(),
        nextRetryDelay: z.number(),
        nonRetryable: z.boolean().nullish(),
      })
      .parse(await extracting.catch((reason: unknown) => reason))
    expect(error.message).toMatch(/answered 429 Too Many Requests$/)
    expect(error.nonRetryable ?? false).toBe(false)
    expect(error.nextRetryDelay).toBeGreaterThanOrEqual(from)
    expect(error.nextRetryDelay).toBeLessThanOrEqual(to)
  },
)

test.each<[string, () => string]>([
  ['no seconds', () => '0'],
  ['a date just past', () => new Date(Date.now() - 1_000).toUTCString()],
  ['no time', () => 'soon'],
])("after %s in Retry-After the task's own delay applies", async (_, when) => {
  answer = (_request, response) => response.writeHead(503, { 'retry-after': when() }).end()
  const error: unknown = await extractFromApi().extracting.catch((reason: unknown) => reason)
  expect(error).toMatchObject({ message: expect.stringMatching(/503 Service Unavailable$/) })
  expect(error).not.toHaveProperty('nextRetryDelay', expect.anything())
})

describe('where an API leads', () => {
  const redirect =
    (to: () => string): RequestListener =>
    ({ url }, response) => {
      if (url === '/products') response.writeHead(302, { location: to() }).end('[]')
      else response.end(catalogue)
    }

  test('is followed within its host', async () => {
    answer = redirect(() => '/v2/products')
    expect(await extractFromApi().extracting).toMatchObject({ rowsIn: 1 })
    expect(asked).toEqual(['/products', '/v2/products'])
  })

  test.each<[string, () => string]>([
    ['an address of this machine', () => base.replace('127.0.0.1', '127.0.0.2')],
    ['a name of this machine', () => base.replace('127.0.0.1', 'localhost')],
    ['its address in IPv6', () => base.replace('127.0.0.1', '[::1]')],
    ['an IPv4 address written as IPv6', () => base.replace('127.0.0.1', '[::ffff:127.0.0.2]')],
    ['an address written as one number', () => base.replace('127.0.0.1', '2130706434')],
    ['the metadata of a cloud', () => 'http://169.254.169.254/latest/meta-data'],
    ['a private network', () => 'http://10.0.0.1/'],
  ])('into a private network is not followed: %s', async (_, to) => {
    answer = redirect(to)
    const { extracting, landed } = extractFromApi()
    await expect(extracting).rejects.toMatchObject({
      type: 'BadInput',
      nonRetryable: true,
      message: expect.stringMatching(
        /leads to http:.*, an address of a private network\. If that is right, give that address/,
      ),
    })
    expect(asked).toEqual(['/products'])
    expect(landed()).toEqual([])
  })

  test.each(['file:///etc/passwd', 'ftp://127.0.0.1/', 'data:application/json,[]'])(
    'to another scheme is not followed: %s',
    async (to) => {
      answer = redirect(() => to)
      await expect(extractFromApi().extracting).rejects.toMatchObject({
        type: 'BadInput',
        message: expect.stringMatching(/which is no address of http: or https:\/\/$/),
      })
    },
  )

  const secretPath = '/products?key=canary-1#canary-2'

  test.each<[string, () => string]>([
    ['a private network', () => 'http://canary-3:canary-4@10.0.0.1/a?token=canary-5#canary-6'],
    ['another scheme', () => 'ftp://canary-3:canary-4@10.0.0.1/a?token=canary-5#canary-6'],
    ['no address', () => 'http://canary-3:canary-4@[x/a?token=canary-5'],
    ['itself', () => '?token=canary-3'],
  ])('is told without its keys: %s', async (_, to) => {
    answer = (_request, response) => response.writeHead(302, { location: to() }).end()
    const { extracting } = extractFromApi(secretPath, 'canary-7:canary-8@')
    const error = await extracting.then(String, (reason: unknown) => inspect(reason))
    expect(error).toContain(`${base}/products`)
    expect(error).not.toContain('canary')
  })

  test('in a circle ends', async () => {
    answer = redirect(() => '/products')
    await expect(extractFromApi().extracting).rejects.toThrow('was redirected more than 5 times')
    expect(asked).toHaveLength(6)
  })
})

test('an answer of more than the limit is broken off', async () => {
  answer = (_, response) => {
    const more = () =>
      response.write(' '.repeat(64 * 1024), (error) => (error ? undefined : more()))
    more()
  }
  const folder = tempFolder('fetched')
  const { products } = sampleShopContracts('UTC')
  const fetching = fetchToLanding(base, join(folder, 'products.json'), products, 1024 * 1024)
  await expect(fetching).rejects.toMatchObject({
    name: 'UnreadableFile',
    message: expect.stringMatching(
      /answered with more than 1048576 bytes\. Have the API answer with less/,
    ),
  })
  expect(readdirSync(folder)).toEqual([])
})
