import { ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow'
import type { TaskNode } from '../graph.ts'
import { indexesInWords } from '../instances.ts'
import { mostFailuresNamed } from '../mapped-task.ts'
import { describeFailure, skipReason } from './activity-options.ts'
import type { Counted, Limits } from './limits.ts'
import { createLocalQueue } from './local-queue.ts'
import { runWork } from './run-work.ts'
import type { Turns } from './turns.ts'
import { inSilence } from './turns.ts'

/** Some of the instances of a mapped task, with what each of them gets. */
export interface Page {
  readonly task: TaskNode
  readonly firstIndex: number
  readonly inputs: readonly unknown[]
  /** Where they are not one after the other: the index of each. */
  readonly indexes?: readonly number[]
  readonly names?: readonly (string | undefined)[]
  /** First ends that the run knows of already. */
  readonly told?: readonly ('success' | 'failed')[]
  readonly maxParallel: number
  readonly cleared: number
  /** Where a page runs in a workflow of its own: the run it belongs to. */
  readonly run?: { readonly runKey: string; readonly runId: string }
  /** The logical date, by which instances that wait for slots stand in line. */
  readonly date?: string
}

export interface MapOptions {
  readonly limits: Limits
  /** Of the run, where its own places are taken by each instance. */
  readonly turns?: Turns
  /** Told of each instance that has ended. */
  readonly onEnd?: (ending: Ending) => void
}

export interface PageResult {
  readonly success: number
  readonly failed: number
  readonly skipped: number
  /** The first failures, in words. */
  readonly failures: readonly string[]
  /** In the order of the items, null for those that did not succeed; null when there is too much of it. */
  readonly outputs: readonly unknown[] | null
  /** Indexes, as `0-2,7`; pages of runs recorded before say none. */
  readonly failedAt?: string
  readonly skippedAt?: string
}

/** Temporal takes 2 MB in one piece. */
const mostOutputCharacters = 1_000_000

export type Ending =
  { readonly output: unknown } | { readonly failed: string } | { readonly skipped: string }

/** Runs the instances, so many at once. Ends when all have, also when stopped. */
export async function mapItems(page: Page, options: MapOptions): Promise<PageResult> {
  const endings: Ending[] = []
  const runCounted = page.task.counted === 'instances' ? runInTurn(page, options) : undefined
  let next = 0
  const runNext = async (): Promise<void> => {
    while (next < page.inputs.length) {
      const offset = next
      next += 1
      const work = () => runInstance(page, offset, options.limits)
      const ending = await (runCounted === undefined ? work() : runCounted(offset, work))
      endings[offset] = ending
      options.onEnd?.(ending)
    }
  }
  const lanes = Array.from({ length: Math.min(page.maxParallel, page.inputs.length) }, runNext)
  const stopped = (await Promise.allSettled(lanes)).find((lane) => lane.status === 'rejected')
  if (stopped !== undefined) throw stopped.reason
  return summarize(page, endings)
}

/**
 * Each instance waits for its own place and slots, the lowest index first. One at a time stands in
 * line, for all that come after it: hundreds that wait then cost no more than one.
 */
function runInTurn(page: Page, { limits, turns }: MapOptions) {
  const acquire = createLocalQueue()((counted: Counted) => limits.acquire(counted))
  return async (offset: number, work: () => Promise<Ending>): Promise<Ending> => {
    const counted = countedOf(page, offset)
    await turns?.take(counted.id, 1, inSilence)
    try {
      await acquire(counted)
      return await work()
    } catch (error) {
      if (isCancellation(error)) throw error
      return endOfFailure(error)
    } finally {
      turns?.give(counted.id)
      await limits.release(counted)
    }
  }
}

function countedOf(page: Page, offset: number): Counted {
  const { task, cleared, names } = page
  const mapIndex = indexOf(page, offset)
  const name = names?.[offset]
  return { task, id: `${task.id}[${mapIndex}]`, mapIndex, cleared, ...(name ? { name } : {}) }
}

function indexOf({ firstIndex, indexes }: Page, offset: number): number {
  return indexes?.[offset] ?? firstIndex + offset
}

async function runInstance(page: Page, offset: number, limits: Limits): Promise<Ending> {
  try {
    const input = page.inputs[offset]
    const told = page.run === undefined ? {} : { run: page.run }
    return { output: await runWork(countedOf(page, offset), input, limits, told) }
  } catch (error) {
    if (isCancellation(error)) throw error
    return endOfFailure(error)
  }
}

/** Anything but a failed activity is a mistake in Daybook and goes on. */
function endOfFailure(error: unknown): Ending {
  // A local activity's failure comes as it is: a pool that is too small for the instance.
  if (error instanceof ApplicationFailure) return { failed: describeFailure(error) }
  if (!(error instanceof ActivityFailure)) throw error
  const skipped = skipReason(error)
  return skipped === undefined ? { failed: describeFailure(error) } : { skipped }
}

function summarize(page: Page, endings: readonly Ending[]): PageResult {
  const failures = endings.flatMap((ending, offset) =>
    'failed' in ending ? [`[${indexOf(page, offset)}] ${ending.failed}`] : [],
  )
  const indexesOf = (state: 'failed' | 'skipped') =>
    endings.flatMap((ending, offset) => (state in ending ? [indexOf(page, offset)] : []))
  const outputs = endings.map((ending) => ('output' in ending ? (ending.output ?? null) : null))
  return {
    success: endings.filter((ending) => 'output' in ending).length,
    failed: failures.length,
    skipped: endings.filter((ending) => 'skipped' in ending).length,
    failures: failures.slice(0, mostFailuresNamed),
    outputs: withinLimit(outputs),
    failedAt: indexesInWords(indexesOf('failed')),
    skippedAt: indexesInWords(indexesOf('skipped')),
  }
}

/** Results of pages as that of all, in their order. */
export function joinPages(pages: readonly PageResult[]): PageResult {
  const sum = (of: (page: PageResult) => number) => pages.reduce((all, page) => all + of(page), 0)
  const isWhole = pages.every((page) => page.outputs !== null)
  return {
    success: sum((page) => page.success),
    failed: sum((page) => page.failed),
    skipped: sum((page) => page.skipped),
    failures: pages.flatMap((page) => page.failures).slice(0, mostFailuresNamed),
    outputs: isWhole ? withinLimit(pages.flatMap((page) => page.outputs ?? [])) : null,
    failedAt: joinWords(pages.map((page) => page.failedAt)),
    skippedAt: joinWords(pages.map((page) => page.skippedAt)),
  }
}

function joinWords(words: readonly (string | undefined)[]): string {
  return words.filter(Boolean).join(',')
}

export function withinLimit(outputs: readonly unknown[]): readonly unknown[] | null {
  return JSON.stringify(outputs).length > mostOutputCharacters ? null : outputs
}
