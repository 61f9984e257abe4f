import {
  ChildWorkflowCancellationType,
  executeChild,
  workflowInfo,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow'
import type { TaskNode } from '../graph.ts'
import { indexesToRun, readIndexes } from '../instances.ts'
import type { InstancesBefore, MapResult } from '../mapped-task.ts'
import { endOfMapped, endsOf, nameInstance, readItems, withKept } from '../mapped-task.ts'
import type { RunEvent, TaskEnd } from '../reducer.ts'
import { resolveInput } from '../resolve-input.ts'
import type { InstanceCounts } from '../task-state.ts'
import type { Ending, Page, PageResult } from './map-items.ts'
import { joinPages, mapItems, withinLimit } from './map-items.ts'
import type { EndState } from './page-progress.ts'
import { listenerKey, stateOfEnding } from './page-progress.ts'
import type { TaskContext } from './task-context.ts'
import { valuesNow } from './task-context.ts'
import { inSilence } from './turns.ts'

/** Items whose events the run's own history takes; more run in pages of so many, each a workflow. */
const pageSize = 500
/** Instances at once in a page; with more allowed, so many more pages run at once. */
const pageParallel = 100

/** The workflow type of a page. */
export const mapPageType = 'daybook_map_page'

/** Runs a task once for each item of its list; after a clear of single instances for those alone. */
export async function runMapped(
  task: TaskNode,
  cleared: number,
  context: TaskContext,
  before?: InstancesBefore,
): Promise<TaskEnd> {
  const values = valuesNow(context)
  const read = readItems(task, values)
  if ('type' in read) return read
  const { items } = read
  const indexes = indexesToRun(items, before?.kept)
  const chosen = indexes.map((index) => ({ ...values, item: items[index] }))
  const inputs = chosen.map((of) => resolveInput(task.input, of))
  const maxParallel = task.mapping?.maxParallel ?? pageParallel
  const all: Page = {
    ...{ task, firstIndex: 0, inputs, maxParallel, cleared },
    ...(before && { indexes }),
    ...(task.mapping?.name && { names: chosen.map((of) => nameInstance(task, of)) }),
  }
  const progress = progressOf(task, startingCounts(items.length, indexes, before), context.report)
  const { limits, turns } = context
  const onEnd = (ending: Ending) => progress.add(stateOfEnding(ending))
  const ran =
    inputs.length <= pageSize
      ? await mapItems(all, { limits, turns, onEnd })
      : await runPages(all, context, progress)
  const result = joinKept(ran, indexes, before, items.length)
  if (result.outputs === null) context.tooLarge.add(task.id)
  else context.outputs.set(task.id, result.outputs)
  const isKept = task.mapping?.byInstance && result.outputs !== null
  return endOfMapped(
    task.id,
    countsOf(ran, result, before, items.length),
    result.failures,
    isKept ? endsOf(items, result) : undefined,
  )
}

function joinKept(
  ran: PageResult,
  indexes: readonly number[],
  before: InstancesBefore | undefined,
  total: number,
): MapResult {
  const { failures, outputs, failedAt = '', skippedAt = '' } = ran
  const result = {
    ...{ failures, outputs, failed: readIndexes(failedAt), skipped: readIndexes(skippedAt) },
  }
  if (before === undefined) return result
  const joined = withKept(indexes, result, before.kept, before.outputs, total)
  return { ...joined, outputs: joined.outputs && withinLimit(joined.outputs) }
}

/** Pages of runs recorded before tell how many, not which. */
function countsOf(
  { success, failed, skipped }: PageResult,
  joined: MapResult,
  before: InstancesBefore | undefined,
  total: number,
): InstanceCounts {
  if (before === undefined) return { success, failed, skipped, unfinished: 0 }
  const [bad, idle] = [joined.failed.length, joined.skipped.length]
  return { success: total - bad - idle, failed: bad, skipped: idle, unfinished: 0 }
}

/** Those that stay as they are have ended already. */
function startingCounts(
  total: number,
  indexes: readonly number[],
  before: InstancesBefore | undefined,
): InstanceCounts {
  if (before === undefined) return { success: 0, failed: 0, skipped: 0, unfinished: total }
  const again = new Set(indexes)
  const stay = (words: string) =>
    readIndexes(words).filter((index) => index < total && !again.has(index)).length
  const [failed, skipped] = [stay(before.kept.failed), stay(before.kept.skipped)]
  const unfinished = indexes.length
  return { success: total - unfinished - failed - skipped, failed, skipped, unfinished }
}

interface Progress {
  add(state: EndState): void
  /** First ends that are known. */
  told(): ('success' | 'failed')[]
}

/** Says when the first instance has succeeded and when the first has failed: rules may wait for that. */
function progressOf(
  task: TaskNode,
  start: InstanceCounts,
  report: (event: RunEvent) => void,
): Progress {
  const counts = { ...start }
  const tell = () => {
    if (counts.unfinished === 0) return
    report({ type: 'task_progressed', taskId: task.id, instances: { ...counts } })
  }
  if (counts.success + counts.failed > 0) tell()
  return {
    add(state) {
      counts[state] += 1
      counts.unfinished -= 1
      if (state !== 'skipped' && counts[state] === 1) tell()
    },
    told: () => (['success', 'failed'] as const).filter((state) => counts[state] > 0),
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

async function runPages(
  all: Page,
  { date, turns, pages }: TaskContext,
  progress: Progress,
): Promise<PageResult> {
  const listener = listenerKey(all.task.id, all.cleared)
  pages.set(listener, (state) => progress.add(state))
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
      const page = pageAt(all, firstIndex)
      const run = { runKey: workflowId, runId }
      const most = Math.min(all.maxParallel, pageParallel)
      const runPage = (maxParallel: number) =>
        executeChild<(page: Page) => Promise<PageResult>>(mapPageType, {
          workflowId: `${workflowId}/${all.task.id}/${index}`,
          args: [{ ...page, maxParallel, run, date, told: progress.told() }],
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
  pages.delete(listener)
  const stopped = lanes.find((lane) => lane.status === 'rejected')
  if (stopped !== undefined) throw stopped.reason
  return joinPages(results)
}

function pageAt(all: Page, firstIndex: number): Page {
  const { inputs, indexes, names } = all
  const end = firstIndex + pageSize
  return {
    ...{ ...all, firstIndex, inputs: inputs.slice(firstIndex, end) },
    ...(indexes && { indexes: indexes.slice(firstIndex, end) }),
    ...(names && { names: names.slice(firstIndex, end) }),
  }
}
