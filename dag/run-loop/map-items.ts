import { ActivityFailure, isCancellation, scheduleActivity } from '@temporalio/workflow'
import type { TaskNode } from '../graph.ts'
import { mostFailuresNamed } from '../mapped-task.ts'
import type { AttemptPlan } from '../retry-delay.ts'
import { activityOptions, attemptPlan, describeFailure, skipReason } from './activity-options.ts'

/** Some of the instances of a mapped task, with what each of them gets. */
export interface Page {
  readonly task: TaskNode
  readonly firstIndex: number
  readonly inputs: readonly unknown[]
  readonly maxParallel: number
  readonly cleared: number
  /** Where a page runs in a workflow of its own: the run it belongs to. */
  readonly run?: { readonly runKey: string; readonly runId: string }
}

export interface PageResult {
  readonly success: number
  readonly failed: number
  readonly skipped: number
  /** The first failures, in words. */
  readonly failures: readonly string[]
  /** In the order of the items, null for those that did not succeed; null when there is too much of it. */
  readonly outputs: readonly unknown[] | null
}

/** Temporal takes 2 MB in one piece. */
const mostOutputCharacters = 1_000_000

type Ending =
  { readonly output: unknown } | { readonly failed: string } | { readonly skipped: string }

/** Runs the instances, so many at once; `onEnd` is told of each. Ends when all have, also when stopped. */
export async function mapItems(
  page: Page,
  onEnd: (ending: Ending) => void = () => undefined,
): Promise<PageResult> {
  const endings: Ending[] = []
  let next = 0
  const runNext = async (): Promise<void> => {
    while (next < page.inputs.length) {
      const offset = next
      next += 1
      const ending = await runInstance(page, offset)
      endings[offset] = ending
      onEnd(ending)
    }
  }
  const lanes = Array.from({ length: Math.min(page.maxParallel, page.inputs.length) }, runNext)
  const stopped = (await Promise.allSettled(lanes)).find((lane) => lane.status === 'rejected')
  if (stopped !== undefined) throw stopped.reason
  return summarize(page, endings)
}

async function runInstance(page: Page, offset: number): Promise<Ending> {
  const { task, cleared, run } = page
  const activityId = `${task.id}[${page.firstIndex + offset}]`
  const plan: AttemptPlan = { ...attemptPlan(task, cleared), ...(run && { run }) }
  try {
    const options = { ...activityOptions(task), activityId, summary: activityId }
    const args = [page.inputs[offset], plan]
    return { output: await scheduleActivity(task.activity ?? '', args, options) }
  } catch (error) {
    if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error
    const skipped = skipReason(error)
    return skipped === undefined ? { failed: describeFailure(error) } : { skipped }
  }
}

function summarize({ firstIndex }: Page, endings: readonly Ending[]): PageResult {
  const failures = endings.flatMap((ending, offset) =>
    'failed' in ending ? [`[${firstIndex + offset}] ${ending.failed}`] : [],
  )
  const outputs = endings.map((ending) => ('output' in ending ? (ending.output ?? null) : null))
  return {
    success: endings.filter((ending) => 'output' in ending).length,
    failed: failures.length,
    skipped: endings.filter((ending) => 'skipped' in ending).length,
    failures: failures.slice(0, mostFailuresNamed),
    outputs: withinLimit(outputs),
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
  }
}

function withinLimit(outputs: readonly unknown[]): readonly unknown[] | null {
  return JSON.stringify(outputs).length > mostOutputCharacters ? null : outputs
}
