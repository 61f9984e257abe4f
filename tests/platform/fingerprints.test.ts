import { expect, test } from 'vitest'
import { fingerprintOf, isUpToDate, type MadeOf } from '../../platform/fingerprints.ts'

const madeOf: MadeOf = {
  code: { 'sql/a.sql': '1', 'sql/b.sql': '2' },
  inputs: { 'orders.json': '3' },
  reads: { checks: '4' },
}

test('a fingerprint does not hang on the order of names', () => {
  const turned = { ...madeOf, code: { 'sql/b.sql': '2', 'sql/a.sql': '1' } }
  expect(fingerprintOf(turned)).toBe(fingerprintOf(madeOf))
})

test.each<[string, Partial<MadeOf>]>([
  ['the text of a model', { code: { ...madeOf.code, 'sql/a.sql': '9' } }],
  ['a model more', { code: { ...madeOf.code, 'sql/c.sql': '1' } }],
  ['a file', { inputs: { 'orders.json': '9' } }],
  ['the name of a file', { inputs: { 'other.json': '3' } }],
  ['a file less', { inputs: {} }],
  ['what it reads', { reads: { checks: '9' } }],
  ['the kind of a thing', { inputs: {}, code: { ...madeOf.code, 'orders.json': '3' } }],
])('it changes with %s', (_, change) => {
  expect(fingerprintOf({ ...madeOf, ...change })).not.toBe(fingerprintOf(madeOf))
})

test('only what is published is up to date, and only while nothing waits', () => {
  const recorded = { fingerprint: fingerprintOf(madeOf), made_of: madeOf, run_id: 'r' }
  expect(isUpToDate(undefined, madeOf)).toBe(false)
  expect(isUpToDate({ published: recorded }, madeOf)).toBe(true)
  expect(isUpToDate({ waiting: recorded }, madeOf)).toBe(false)
  expect(isUpToDate({ published: recorded, waiting: recorded }, madeOf)).toBe(false)
  expect(isUpToDate({ published: recorded }, { ...madeOf, reads: {} })).toBe(false)
})
