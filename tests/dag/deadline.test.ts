import { describe, expect, test } from 'vitest'
import { referenceMsOf } from '../../dag/deadline.ts'
import type { DeadlineAlert, DeadlineFrom, DeadlineQuestion } from '../../dag/deadline.ts'
import { activityRefs, defineDag } from '../../dag/define-dag.ts'

interface Activities {
  load(input: { date: string }): Promise<void>
  tell(input: DeadlineAlert): Promise<void>
  closing(input: DeadlineQuestion): Promise<string | null>
}
const act = activityRefs<Activities>()
const daily = { schedule: null, startDate: '2025-01-01', catchup: false, maxActiveRuns: 1 } as const

function deadlineFrom(from?: DeadlineFrom) {
  const deadline = { after: '1 hour', notify: act.tell, ...(from && { from }) } as const
  return defineDag({ id: 'shop', ...daily, deadline }, ({ task, date }) => {
    task('load', act.load, { date })
  }).graph.deadline
}

describe('AT-L1 what a deadline counts from', () => {
  const times = { dueMs: 1_000, queuedMs: 5_000, averageMs: 300 }

  test('when the run was due, or asked for where there is no schedule', () => {
    expect(deadlineFrom()).toEqual({
      ...{ from: { reference: 'due' }, afterMs: 3_600_000, warnBeforeMs: null, activity: 'tell' },
    })
    expect(referenceMsOf({ reference: 'due' }, times)).toBe(1_000)
    expect(referenceMsOf({ reference: 'due' }, { ...times, dueMs: null })).toBe(5_000)
  })

  test('when it was queued, and the average of earlier runs after that', () => {
    expect(referenceMsOf({ reference: 'queued' }, times)).toBe(5_000)
    const average = { reference: 'average_runtime', maxRuns: 10, minRuns: 3 } as const
    expect(deadlineFrom({ averageOf: 10, atLeast: 3 })?.from).toEqual(average)
    expect(deadlineFrom({ averageOf: 10 })?.from).toEqual({ ...average, minRuns: 10 })
    expect(referenceMsOf(average, times)).toBe(5_300)
    expect(referenceMsOf(average, { ...times, averageMs: null })).toBeNull()
  })

  test('a fixed time, or what an activity says', () => {
    const fixed = deadlineFrom({ at: '2026-03-31T08:00:00+02:00' })?.from
    expect(fixed).toEqual({ reference: 'fixed', atMs: Date.parse('2026-03-31T06:00:00Z') })
    expect(deadlineFrom(act.closing)?.from).toEqual({ reference: 'asked', activity: 'closing' })
  })

  test.each([
    [{ at: 'noon' }, /counts from no instant; write at as 2026-03-31T06:00:00Z/],
    [{ at: '2026-03-31T06:00:00' }, /counts from no instant/],
    [{ averageOf: 0 }, /the average of 0 runs/],
    [{ averageOf: 3, atLeast: 4 }, /atLeast no more than averageOf/],
  ])('%j is refused', (from, words) => {
    expect(() => deadlineFrom(from)).toThrow(words)
  })
})
