import { expect, test } from 'vitest'
import { retryDelayAfter } from '../../dag/retry-delay.ts'

test('without back-off every wait is the delay', () => {
  const delays = { retryDelayMs: 300_000, retryBackoff: 1, maxRetryDelayMs: null }
  expect([1, 2, 3].map((attempt) => retryDelayAfter(attempt, delays))).toEqual([
    300_000, 300_000, 300_000,
  ])
})

test('with back-off waits grow up to the cap', () => {
  const delays = { retryDelayMs: 1_000, retryBackoff: 2, maxRetryDelayMs: 3_000 }
  expect([1, 2, 3, 4].map((attempt) => retryDelayAfter(attempt, delays))).toEqual([
    1_000, 2_000, 3_000, 3_000,
  ])
})
