import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity'
import { currentAttempt } from '../../../activities/current-attempt.ts'
import type { DeadlineAlert } from '../../../dag/builder.ts'
import type { DatasetEvent } from '../../../dag/datasets.ts'
import type { FailedRun } from '../../../dag/define-dag.ts'

/** Real activities without a shop, and what a test can see of them. */
export function createSampleActivities() {
  const calls: string[] = []
  const failures: FailedRun[] = []
  const gates = new Map<string, () => void>()
  const broken = new Set<string>()
  const arrived = new Set<string>()
  const held: number[] = []
  const mapped: string[] = []
  const alerts: DeadlineAlert[] = []
  const napping = new Set<string>()
  const doubles: string[] = []
  const mostNapping = { count: 0 }
  const note = (date: string) => {
    const { activityId, attempt } = Context.current().info
    calls.push(`${date} ${activityId} ${attempt}`)
  }
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
      const { cancellationSignal } = Context.current()
      await new Promise<void>((resolve, reject) => {
        gates.set(input.date, resolve)
        cancellationSignal.addEventListener('abort', () => reject(new CancelledFailure('let go')))
      })
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
    async tellFailure(input: FailedRun) {
      failures.push(input)
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
    gates,
    broken,
    arrived,
    held,
    mapped,
    alerts,
    doubles,
    mostNapping,
  }
}

export type SampleActivities = ReturnType<typeof createSampleActivities>['activities']
