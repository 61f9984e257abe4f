import { afterAll, beforeAll, expect, test } from 'vitest'
import { checksOf } from '../../domain/checks.ts'
import { allContracts } from '../../domain/contracts/all-contracts.ts'
import { rulesOf } from '../../domain/contracts/contract.ts'
import { sampleShopContracts } from '../../domain/contracts/sample-shop.ts'
import { mutationGoal } from '../../domain/mutation-score.ts'
import { runCli } from '../support/run-cli.ts'
import { testDatabase, type TestDatabase } from '../support/servers.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.drop())

const contract = (...args: string[]) =>
  runCli(['contract', ...args], { DATABASE_URL: database.url })

test('contract list counts columns, rules and checks of every source', async () => {
  const { code, stdout } = await contract('list', '--json')
  expect(code).toBe(0)
  const orders = sampleShopContracts('UTC').orders
  const listed = JSON.parse(stdout)
  expect(listed).toHaveLength(allContracts().length)
  expect(listed[0]).toMatchObject({
    source: 'orders',
    shop: 'main',
    columns: orders.columns.length,
  })
  expect(listed[0]).toMatchObject({
    rules: rulesOf(orders).length,
    checks: checksOf(orders).length,
  })
})

test('contract show names the rules of a column and the bounds of a check', async () => {
  const { code, stdout } = await contract('show', 'orders')
  expect(code).toBe(0)
  expect(stdout).toMatch(/unit_price +price +money +required +unit_price_required, unit_price_type/)
  expect(stdout).toMatch(/orders_volume +critical +100 to 500,000 orders of the day/)
  expect(stdout).toMatch(/^orders_plausible_volume +error +0\.25 to 4 times the usual volume/m)
  expect(stdout).toContain('Its rules are of severity critical where they do not say otherwise.')
  const json = JSON.parse((await contract('show', 'orders', '--json')).stdout)
  expect(json.rules[0]).toMatchObject({ id: 'order_id_required', severity: 'critical' })
})

test('contract lint finds nothing wrong with the shipped contracts', async () => {
  const { code, stdout } = await contract('lint')
  expect(code).toBe(0)
  expect(stdout).toBe('4 contracts, no problem.\n')
})

test.each([
  [['show', 'nothing'], 'there are orders, events, products, online_retail'],
  [['mutate', 'online_retail'], 'there are orders, events, products'],
  [['mutate', '--date', '2020-01-01'], 'no delivery of 2020-01-01'],
  [['mutate', '--seed', 'x'], 'whole number'],
])('contract %j is refused with what there is', async (args, message) => {
  const { code, stderr } = await contract(...args)
  expect(code).toBe(2)
  expect(stderr).toContain(message)
})

test('contract mutate scores a source, and leaves nothing behind on the server', async () => {
  const { code, stdout, stderr } = await contract('mutate', 'products', '--json')
  const result = JSON.parse(stdout)
  const { length } = result.mutants
  expect(stderr).toMatch(new RegExp(`^10 of ${length}  products\\.`, 'm'))
  expect(stderr).toMatch(new RegExp(`^${length} of ${length}  products\\.`, 'm'))
  expect(result).toMatchObject({ goal: mutationGoal })
  expect(result.score).toBeGreaterThanOrEqual(mutationGoal)
  expect(code).toBe(0)
  const caughtBy = (id: string) =>
    result.mutants.find((mutant: { id: string }) => mutant.id === id).caughtBy
  expect(caughtBy('products.price.negative')).toContain('rule price_min')
  expect(caughtBy('products.file.truncated')).toEqual(['refused UnreadableFile'])
  const left = await database.db.query(
    `select datname from pg_database where datname like 'daybook_scratch%'`,
  )
  expect(left.rows).toEqual([])
  expect((await database.db.query('select from audit.source_files')).rowCount).toBe(0)
}, 300_000)
