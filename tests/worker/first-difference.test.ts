import { describe, expect, test } from 'vitest'
import type { Decision } from '../../worker/decision.ts'
import { decisions } from '../../worker/decision.ts'
import { firstDifference } from '../../worker/first-difference.ts'

const recorded = (...list: [eventId: number, decision: Decision][]) =>
  list.map(([eventId, decision]) => ({ eventId, decision }))
const user = decisions.activity('load_dim_user', 'loadDimUser')
const product = decisions.activity('load_dim_product', 'loadDimProduct')
const start = decisions.localActivity('startRun')
const close = decisions.localActivity('closeRun')
const history = recorded(
  [5, start],
  [23, user],
  [24, product],
  [31, close],
  [32, decisions.complete()],
)

describe('the first difference between a history and what today’s code decides', () => {
  test.each<[string, Decision[], string | undefined]>([
    ['none', [start, user, product, close, decisions.complete()], undefined],
    [
      'another order',
      [start, product, user],
      'event 23: the history scheduled activity load_dim_user (loadDimUser), ' +
        "today's code schedules activity load_dim_product (loadDimProduct)",
    ],
    [
      'another kind',
      [start, user, decisions.timer()],
      'event 24: the history scheduled activity load_dim_product (loadDimProduct), ' +
        "today's code starts a timer",
    ],
    [
      'nothing',
      [start, user],
      "event 24: the history scheduled activity load_dim_product (loadDimProduct), today's code does not",
    ],
    [
      'a local activity that the history does not know',
      [start, decisions.localActivity('requestSlots')],
      'event 23: the history scheduled activity load_dim_user (loadDimUser), ' +
        "today's code runs local activity requestSlots",
    ],
    [
      'another local activity',
      [decisions.localActivity('beginRun')],
      "event 5: the history ran local activity startRun, today's code runs local activity beginRun",
    ],
    [
      'another end',
      [start, user, product, close, decisions.fail()],
      "event 32: the history completed the workflow, today's code fails the workflow",
    ],
    [
      'more',
      [start, user, product, close, decisions.complete(), decisions.timer()],
      "after its last decision the history has none, today's code starts a timer",
    ],
  ])('%s', (_, made, words) => {
    expect(firstDifference(history, made)).toBe(words)
  })

  test('a patch that today’s code has forgotten is one, a patch that is new is none', () => {
    const patch = decisions.patch('wait_first')
    expect(firstDifference(recorded([9, patch]), [])).toBe(
      "event 9: the history went by patch wait_first, today's code does not",
    )
    expect(firstDifference([], [patch])).toBeUndefined()
  })
})
