import { expect, test } from 'vitest'
import { checksOf, checksOfTheDay } from '../../domain/checks.ts'
import type { Check } from '../../domain/checks-kinds.ts'
import { failureMessage, isWithin, verdictOf } from '../../domain/checks-verdict.ts'
import { allContracts } from '../../domain/contracts/all-contracts.ts'

const check: Check = {
  id: 'orders_volume',
  severity: 'critical',
  scan: 'records',
  measure: 'count(*)',
  unit: 'count',
  min: 100,
  max: 500_000,
  words: 'orders of the day',
}

test('check ids are unique over all sources and start with their source', () => {
  const ids = allContracts().flatMap((contract) =>
    checksOf(contract).map((found) => {
      expect(found.id.startsWith(`${contract.source}_`)).toBe(true)
      return found.id
    }),
  )
  expect(new Set(ids).size).toBe(ids.length)
})

test('checks against history are not checks of the day', () => {
  const ids = checksOfTheDay(allContracts()).map(({ id }) => id)
  expect(ids).toContain('orders_volume')
  expect(ids).not.toContain('orders_usual_volume')
  expect(ids).not.toContain('orders_known_products')
})

test.each([
  [{ min: 100, max: 500 }, 99, false],
  [{ min: 100, max: 500 }, 100, true],
  [{ min: 100, max: 500 }, 500, true],
  [{ min: 100, max: 500 }, 501, false],
  [{ above: 0 }, 0, false],
  [{ above: 0 }, 0.001, true],
  [{ max: 0.05 }, 0.05, true],
])('bounds %j take %d: %s', (bounds, value, isPassed) => {
  expect(isWithin(bounds, value)).toBe(isPassed)
})

test('a result says what was expected and found, in words', () => {
  expect(verdictOf(check, 'staging.orders_clean', { value: '99', failedRows: 0 })).toEqual({
    id: 'orders_volume',
    table: 'staging.orders_clean',
    severity: 'critical',
    isPassed: false,
    expected: '100 to 500,000 orders of the day',
    actual: '99',
    failedRows: 0,
  })
})

test('what could not be measured passes and says so', () => {
  const nothing = { value: null, failedRows: 0 }
  expect(verdictOf(check, 't', nothing)).toMatchObject({ isPassed: true, actual: 'no records' })
  expect(verdictOf({ ...check, needsHistory: true }, 't', nothing).actual).toMatch('learning')
})

test('the message of a failed day names check, table, expectation, finding and remedy', () => {
  const failed = verdictOf(check, 'staging.orders_clean', { value: '99', failedRows: 0 })
  expect(failureMessage('2025-12-16', [failed])).toBe(
    '1 critical check of 2025-12-16 failed. orders_volume of staging.orders_clean: expected 100 to ' +
      '500,000 orders of the day, found 99. Nothing of this delivery was published: readers keep the ' +
      'figures they have. Correct the delivery, then run the day again.',
  )
})
