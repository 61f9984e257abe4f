import { describe, expect, test } from 'vitest'
import { activityRefs, defineDag } from '../../dag/define-dag.ts'
import type { AttemptOptions } from '../../dag/task-options.ts'
import { retryDelayAfter } from '../../dag/retry-delay.ts'
import { fails, testRun } from '../../dag/testing/test-run.ts'

interface Activities {
  load(input: { date: string }): Promise<void>
}
const act = activityRefs<Activities>()
const daily = { schedule: null, startDate: '2025-01-01', catchup: false, maxActiveRuns: 1 } as const

function loading(options: AttemptOptions) {
  return defineDag({ id: 'shop', ...daily, ...options }, ({ task, date }) => {
    task('load', act.load, { date })
  })
}

function delaysOf(options: AttemptOptions) {
  const [task] = loading({ retryDelay: '300 seconds', ...options }).graph.tasks
  if (task === undefined) throw new Error('no task')
  return task
}

const who = { runKey: 'shop/2025-12-13', taskId: 'load' }
const secondsAfter = (attempts: number[], options: AttemptOptions, whose = who) =>
  attempts.map((attempt) => retryDelayAfter(attempt, delaysOf(options), whose) / 1_000)

/** The waits between the tries of a task that keeps failing, on the clock of the test kit. */
async function waitsOnTestKit(options: AttemptOptions): Promise<number[]> {
  const elapsed = async (retries: number) => {
    const dag = loading({ retryDelay: '300 seconds', ...options, retries })
    const run = await testRun(dag, { date: '2025-12-13', fakes: { load: fails('no route') } })
    return run.elapsedMs / 1_000
  }
  const ends = [await elapsed(0), await elapsed(1), await elapsed(2), await elapsed(3)]
  return ends.slice(1).map((end, index) => end - (ends[index] ?? 0))
}

test.each([{}, { retryBackoff: 0 }, { retryBackoff: 1 }])(
  'without back-off every wait is the delay: %j',
  (factor) => {
    const options = { retryDelay: '0.25 seconds', ...factor } as const
    expect(secondsAfter([1, 2, 3], options)).toEqual([0.25, 0.25, 0.25])
  },
)

describe('AT-Y3 the example of 300 s and a factor of 2', () => {
  const ranges = [
    [300, 599],
    [600, 1199],
    [1200, 2399],
  ] as const
  const doubling = { retryBackoff: 2 }

  test('waits 300–599, 600–1199, 1200–2399 s, whatever the dag, task and date', () => {
    const seen = ranges.map(() => new Set<number>())
    for (let no = 0; no < 2_000; no++) {
      const whose = { runKey: `dag_${no % 7}/2025-12-13`, taskId: `load[${no}]` }
      secondsAfter([1, 2, 3], doubling, whose).forEach((wait, k) => seen[k]?.add(wait))
    }
    ranges.forEach(([low, high], k) => {
      const waits = [...(seen[k] ?? [])]
      expect(waits.every(Number.isInteger)).toBe(true)
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(low)
      expect(Math.max(...waits)).toBeLessThanOrEqual(high)
      // Both ends of the range are reached, or nearly: it is spread over all of it.
      expect(Math.min(...waits)).toBeLessThan(low + low / 20)
      expect(Math.max(...waits)).toBeGreaterThan(high - low / 20)
    })
  })

  test('on the test kit too, each time the same', async () => {
    const waits = await waitsOnTestKit(doubling)
    ranges.forEach(([low, high], k) => {
      expect(waits[k]).toBeGreaterThanOrEqual(low)
      expect(waits[k]).toBeLessThanOrEqual(high)
    })
    expect(await waitsOnTestKit(doubling)).toEqual(waits)
    expect(secondsAfter([1, 2, 3], doubling)).toEqual(waits)
  })

  test('with a cap of 900 s at most 900 from the second on', async () => {
    const capped = { ...doubling, maxRetryDelay: '900 seconds' } as const
    const [first = 0, second = 0, third = 0] = await waitsOnTestKit(capped)
    expect(first).toBeLessThanOrEqual(599)
    expect(second).toBeLessThanOrEqual(900)
    expect(third).toBe(900)
  })
})

describe('AT-Y3 back-off', () => {
  test('is the same for the same dag, task, date and try, and differs for others', () => {
    const options = { retryBackoff: 2, retryDelay: '1 day' } as const
    const wait = (runKey: string, taskId: string, attempt = 1) =>
      retryDelayAfter(
        attempt,
        { ...delaysOf(options), retryDelayMs: 20_000_000 },
        { runKey, taskId },
      )
    const waits = [
      wait('shop/2025-12-13', 'load'),
      wait('mall/2025-12-13', 'load'),
      wait('shop/2025-12-14', 'load'),
      wait('shop/2025-12-13', 'sum'),
      wait('shop/2025-12-13', 'load[1]'),
    ]
    expect(new Set(waits).size).toBe(5)
    // Recorded: a new version of Daybook must not move tries that are planned.
    expect(waits[0]).toBe(32_804_000)
  })

  test('rounds up to whole seconds, at least one', () => {
    const options = { retryDelay: '0.1 seconds', retryBackoff: 3 } as const
    expect(secondsAfter([1, 2, 3], options)).toEqual([1, 1, 1])
  })

  test('ends at a day, before the cap of the task', () => {
    const options = { retryBackoff: 10 }
    expect(secondsAfter([4, 40, 4_000], options)).toEqual([86_400, 86_400, 86_400])
    expect(secondsAfter([4], { ...options, maxRetryDelay: '2 days' })).toEqual([86_400])
    expect(secondsAfter([4], { ...options, maxRetryDelay: '1 hour' })).toEqual([3_600])
  })

  test('takes any factor: below 1 waits shrink', () => {
    const [first = 0, fourth = 0] = secondsAfter([1, 4], { retryBackoff: 0.5 })
    expect(first).toBeGreaterThanOrEqual(300)
    expect(fourth).toBeLessThan(76)
  })
})

test('runs begun before there was jitter keep their delays', () => {
  const delays = { retryDelayMs: 1_000, retryBackoff: 2, maxRetryDelayMs: 3_000 }
  const waits = [1, 2, 3, 4].map((attempt) => retryDelayAfter(attempt, delays, who))
  expect(waits).toEqual([1_000, 2_000, 3_000, 3_000])
})
