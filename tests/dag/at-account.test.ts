import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/orchestrator.md'), 'utf8')

const rows = [...page.matchAll(/^\| (AT-[A-Z]\d+) \|[^|]+\| ([a-z ]+) \| (.+) \|$/gm)].map(
  ([, id = '', state = '', words = '']) => ({ id, state, words }),
)
const sizes = {
  ...{ S: 2, T: 6, R: 8, D: 7, C: 4, M: 2, P: 6, B: 12, X: 11, Y: 6, Q: 6, N: 6, G: 5 },
  ...{ L: 1, A: 2, Z: 8, E: 1 },
}

/** `tests/a.test.ts`: "one name", "another" */
function citations(words: string): { path: string; name: string }[] {
  return [...words.matchAll(/`(tests\/[^`]+)`: ("[^"]+"(?:, "[^"]+")*)/g)].flatMap(
    ([, path = '', names = '']) =>
      [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => ({ path, name })),
  )
}

const isNamedIn = ({ path, name }: { path: string; name: string }) =>
  ["'", '"'].some((quote) =>
    readFileSync(join(root, path), 'utf8').includes(`${quote}${name}${quote}`),
  )

test('the account has every acceptance test once, in order', () => {
  const ids = Object.entries(sizes).flatMap(([letter, size]) =>
    Array.from({ length: size }, (_, at) => `AT-${letter}${at + 1}`),
  )
  expect(rows.map((row) => row.id)).toEqual(ids)
})

test('every test that it names is there', () => {
  const named = rows.flatMap(({ words }) => citations(words))
  expect(named.length).toBeGreaterThan(100)
  expect(named.filter((one) => !isNamedIn(one))).toEqual([])
})

test('each row has a test or a reason, and the counts are right', () => {
  const count = (state: string) => rows.filter((row) => row.state === state)
  const [tested, departures] = [count('tested'), count('departure')]
  expect(tested.filter(({ words }) => citations(words).length === 0)).toEqual([])
  expect(departures.filter(({ words }) => !/departure: \S/.test(words))).toEqual([])
  expect(tested.length + departures.length).toBe(rows.length)
  expect(page.replaceAll('\n', ' ')).toContain(
    `Of ${rows.length} acceptance tests ${tested.length} are tested and ${departures.length} are departures.`,
  )
})
