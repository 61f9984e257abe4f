import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity'
import { currentAttempt } from '../../../activities/current-attempt.ts'
import type { DatasetEvent } from '../../../dag/datasets.ts'
import type { DeadlineAlert } from '../../../dag/deadline.ts'
import type { EndedTask, FailedRun, SucceededRun } from '../../../dag/define-dag.ts'

/** Real activities without a shop, and what a test can see of them. */
export function createSampleActivities() {
  const calls: string[] = []
  const failures: FailedRun[] = []
  const successes: SucceededRun[] = []
  const ended: EndedTask[] = []
  const gates = new Map<string, () => void>()
  const broken = new Set<string>()
  const arrived = new Set<string>()
  const held: number[] = []
  const mapped: string[] = []
  const alerts: DeadlineAlert[] = []
  const asked: string[] = []
  const closingTimes = new Map<string, string>()
  const napping = new Set<string>()
  const doubles: string[] = []
  const mostNapping = { count: 0 }
  const nappers = new Map<string, { now: number; most: number }>()
  const note = (date: string) => {
    const { activityId, attempt } = Context.current().info
    calls.push(`${date} ${activityId} ${attempt}`)
  }
  /** Until a test opens the gate of the date, or the activity is cancelled. */
  const heldBy = (date: string) =>
    new Promise<void>((resolve, reject) => {
      gates.set(date, resolve)
      Context.current().cancellationSignal.addEventListener('abort', () =>
        reject(new CancelledFailure('let go')),
      )
    })
  const activities = {
    async count(input: { date: string; from?: number }) {
      note(input.date)
      const { activityId } = Context.current().info
      if (broken.has(input.date) || broken.has(`${input.date} ${activityId}`)) {
        throw ApplicationFailure.nonRetryable(`${input.date} is broken`, 'ChecksFailed')
      }
      const rowsOut = (input.from ?? 0) + 1
      return { rowsIn: input.from ?? 0, rowsOut, bytes: 10 }
    },
    async failUntil(input: { date: string; attempt: number }) {
      note(input.date)
      const { attempt } = Context.current().info
      if (attempt < input.attempt) throw new Error(`attempt ${attempt} fails`)
      return { attempt }
    },
    async failForGood(input: { date: string }): Promise<{ rowsOut: number }> {
      note(input.date)
      throw ApplicationFailure.nonRetryable('99 orders, at least 100 expected', 'ChecksFailed')
    },
    async chooseSide(input: { date: string }): Promise<('left' | 'right')[]> {
      note(input.date)
      const sides = { '01': ['left'], '02': ['right'], '03': ['left', 'right'] } as const
      return [...(sides[input.date.slice(-2) as keyof typeof sides] ?? [])]
    },
    async hold(input: { date: string }): Promise<void> {
      note(input.date)
      held.push(currentAttempt().attempt)
      await heldBy(input.date)
    },
    async listItems(input: {
      date: string
      count: number
    }): Promise<{ no: number; fails: boolean }[]> {
      note(input.date)
      const failing = broken.has(`${input.date} items`)
      return Array.from({ length: input.count }, (_, no) => ({
        no,
        fails: failing && no % 3 === 1,
      }))
    },
    async workOnItem(input: { date: string; no: number; fails: boolean }): Promise<number> {
      mapped.push(`${input.date} ${Context.current().info.activityId}`)
      if (input.fails) throw ApplicationFailure.nonRetryable(`item ${input.no} is bad`, 'BadItem')
      return input.no * 10
    },
    async listParts(input: { date: string; count: number }): Promise<number[]> {
      if (broken.has(`${input.date} nothing`)) {
        throw ApplicationFailure.nonRetryable('no parts', 'TaskSkipped')
      }
      return Array.from({ length: input.count }, (_, no) => no)
    },
    /** Number 0 waits for a gate, and every third fails, if a test says so. */
    async workOnPart(input: { date: string; no: number }): Promise<number> {
      mapped.push(`${input.date} ${Context.current().info.activityId}`)
      if (input.no === 0 && broken.has(`${input.date} held`)) await heldBy(input.date)
      if (input.no % 3 === 1 && broken.has(`${input.date} parts`)) {
        throw ApplicationFailure.nonRetryable(`part ${input.no} is bad`, 'BadItem')
      }
      return input.no * 10
    },
    async widenPart(input: { date: string; no: number }): Promise<string> {
      mapped.push(`${input.date} ${Context.current().info.activityId}`)
      return 'x'.repeat(100_000)
    },
    async join(input: { date: string; texts: string[] }): Promise<number> {
      note(input.date)
      return input.texts.join('').length
    },
    async sum(input: { date: string; numbers: (number | null)[] }): Promise<number> {
      note(input.date)
      return input.numbers.reduce<number>((all, one) => all + (one ?? 0), 0)
    },
    async nap(input: { date: string }): Promise<void> {
      const key = `${input.date} ${Context.current().info.activityId}`
      if (napping.has(key)) doubles.push(key)
      napping.add(key)
      mostNapping.count = Math.max(mostNapping.count, napping.size)
      await new Promise((resolve) => setTimeout(resolve, 60))
      napping.delete(key)
    },
    /** Notes how many instances of its date nap at once. */
    async napOnItem(input: { date: string; no: number }): Promise<number> {
      const { activityId } = Context.current().info
      mapped.push(`${input.date} ${activityId}`)
      const nap = nappers.get(input.date) ?? { now: 0, most: 0 }
      nappers.set(input.date, nap)
      nap.now += 1
      nap.most = Math.max(nap.most, nap.now)
      await new Promise((resolve) => setTimeout(resolve, 20))
      nap.now -= 1
      const failsFirst = broken.has(`${input.date} items`) && input.no % 3 === 1
      if (failsFirst && currentAttempt().attempt === 1) throw new Error('the first try fails')
      return input.no * 10
    },
    async failOnce(input: { date: string }): Promise<void> {
      const { attempt } = currentAttempt()
      calls.push(`${input.date} flaky ${attempt}`)
      if (attempt === 1 || broken.has(input.date)) throw new Error(`try ${attempt} fails`)
    },
    async isThere(input: { date: string }): Promise<{ rowsOut: number } | undefined> {
      note(input.date)
      return arrived.has(input.date) ? { rowsOut: 7 } : undefined
    },
    async isOpen(input: { date: string }): Promise<boolean> {
      note(input.date)
      return !broken.has(input.date)
    },
    async skipItself(input: { date: string }): Promise<void> {
      throw ApplicationFailure.nonRetryable(`nothing to do on ${input.date}`, 'TaskSkipped')
    },
    async tellDeadline(input: DeadlineAlert) {
      alerts.push(input)
    },
    async closingTime(input: { date: string }): Promise<string | null> {
      asked.push(input.date)
      if (broken.has(`${input.date} closing`)) throw ApplicationFailure.nonRetryable('no such shop')
      return closingTimes.get(input.date) ?? null
    },
    async tellFailure(input: FailedRun) {
      failures.push(input)
    },
    async tellSuccess(input: SucceededRun) {
      successes.push(input)
    },
    async tellTask(input: EndedTask) {
      ended.push(input)
    },
    async tellTaskSlowly(input: EndedTask): Promise<void> {
      await heldBy(input.date)
      ended.push(input)
    },
    async tellBadly(_input: { date: string }): Promise<void> {
      throw ApplicationFailure.nonRetryable('the pager is on fire')
    },
    /** Tells of a failure as slowly as a test wants it. */
    async tellFailureSlowly({ date }: FailedRun): Promise<void> {
      await new Promise<void>((resolve) => gates.set(date, resolve))
    },
    async tellFailureBadly(_input: FailedRun): Promise<void> {
      throw ApplicationFailure.nonRetryable('the mail server is on fire')
    },
    /** Returns the dataset events that it got. */
    async listEvents(input: { date: string; events: readonly DatasetEvent[] }): Promise<string[]> {
      note(input.date)
      if (broken.has(`${input.date} events`)) throw ApplicationFailure.nonRetryable('unreadable')
      return input.events.map((event) => `${event.dataset} ${event.date} ${event.runKey}`)
    },
    async greet(input: { date: string; name: string; times: number }) {
      return { text: `${input.date} ${input.name}`.repeat(input.times) }
    },
  }
  return {
    activities,
    calls,
    failures,
    successes,
    ended,
    gates,
    broken,
    arrived,
    held,
    mapped,
    alerts,
    closingTimes,
    asked,
    doubles,
    mostNapping,
    nappers,
  }
}

export type SampleActivities = ReturnType<typeof createSampleActivities>['activities']
