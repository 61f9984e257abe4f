import {
  ChildWorkflowCancellationType,
  executeChild,
  workflowInfo,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow'
import type { TaskNode } from '../graph.ts'
import { endOfMapped, readItems } from '../mapped-task.ts'
import type { RunEvent, TaskEnd } from '../reducer.ts'
import { resolveInput } from '../resolve-input.ts'
import type { Page, PageResult } from './map-items.ts'
import { joinPages, mapItems } from './map-items.ts'
import type { TaskContext } from './task-context.ts'
import { valuesNow } from './task-context.ts'
import { inSilence } from './turns.ts'

/** Items whose events the run's own history takes; more run in pages of so many, each a workflow. */
const pageSize = 500
/** Instances at once in a page; with more allowed, so many more pages run at once. */
const pageParallel = 100

/** The workflow type of a page. */
export const mapPageType = 'daybook_map_page'

/** Runs a task once for each item of its list. */
export async function runMapped(
  task: TaskNode,
  cleared: number,
  context: TaskContext,
): Promise<TaskEnd> {
  const values = valuesNow(context)
  const read = readItems(task, values)
  if ('type' in read) return read
  const inputs = read.items.map((item) => resolveInput(task.input, { ...values, item }))
  const maxParallel = task.mapping?.maxParallel ?? pageParallel
  const all: Page = { task, firstIndex: 0, inputs, maxParallel, cleared }
  const { limits, turns, report } = context
  const onEnd = progressReporter(task, inputs.length, report)
  const result =
    inputs.length <= pageSize
      ? await mapItems(all, { limits, turns, onEnd })
      : await runPages(all, context)
  const { success, failed, skipped, failures, outputs } = result
  if (outputs === null) context.tooLarge.add(task.id)
  else context.outputs.set(task.id, outputs)
  return endOfMapped(task.id, { success, failed, skipped, unfinished: 0 }, failures)
}

/** Says when the first instance has succeeded and when the first has failed: rules may wait for that. */
function progressReporter(task: TaskNode, total: number, report: (event: RunEvent) => void) {
  const counts = { success: 0, failed: 0, skipped: 0, unfinished: total }
  return (ending: object) => {
    const state = 'output' in ending ? 'success' : 'failed' in ending ? 'failed' : 'skipped'
    counts[state] += 1
    counts.unfinished -= 1
    if (state === 'skipped' || counts[state] > 1 || counts.unfinished === 0) return
    report({ type: 'task_progressed', taskId: task.id, instances: { ...counts } })
  }
}

/** A page cannot ask for each of its instances: it gets the places that are free when it begins. */
async function inPlaces(
  turns: TaskContext['turns'],
  { task }: Page,
  index: number,
  most: number,
  runPage: (maxParallel: number) => Promise<PageResult>,
): Promise<PageResult> {
  const id = `${task.id}/${index}`
  const places = await turns.take(id, most, inSilence)
  try {
    return await runPage(places)
  } finally {
    turns.give(id)
  }
}

async function runPages(all: Page, { date, turns }: TaskContext): Promise<PageResult> {
  const { workflowId, runId } = workflowInfo()
  const firsts = Array.from(
    { length: Math.ceil(all.inputs.length / pageSize) },
    (_, page) => page * pageSize,
  )
  const results: PageResult[] = []
  let next = 0
  const runNext = async (): Promise<void> => {
    while (next < firsts.length) {
      const index = next
      next += 1
      const firstIndex = firsts[index] ?? 0
      const inputs = all.inputs.slice(firstIndex, firstIndex + pageSize)
      const run = { runKey: workflowId, runId }
      const most = Math.min(all.maxParallel, pageParallel)
      const runPage = (maxParallel: number) =>
        executeChild<(page: Page) => Promise<PageResult>>(mapPageType, {
          workflowId: `${workflowId}/${all.task.id}/${index}`,
          args: [{ ...all, firstIndex, inputs, maxParallel, run, date }],
          cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
          workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        })
      const isCounted = all.task.counted === 'instances'
      results[index] = await (isCounted
        ? inPlaces(turns, all, index, most, runPage)
        : runPage(most))
    }
  }
  const pagesAtOnce = Math.max(1, Math.floor(all.maxParallel / pageParallel))
  const lanes = await Promise.allSettled(Array.from({ length: pagesAtOnce }, runNext))
  const stopped = lanes.find((lane) => lane.status === 'rejected')
  if (stopped !== undefined) throw stopped.reason
  return joinPages(results)
}
