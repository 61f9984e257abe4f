import type { Mapping, TaskNode } from './graph.ts'
import type { InstanceEnds, KeptInstances } from './instances.ts'
import { hashItems, indexesInWords, indexOfFailure, readIndexes } from './instances.ts'
import { tasksUsed } from './reference.ts'
import type { TaskEnd } from './reducer.ts'
import type { RunValues } from './resolve-input.ts'
import { resolveInput } from './resolve-input.ts'
import type { InstanceCounts } from './task-state.ts'

const mostItems = 100_000
/** Failed instances that the reason of a task names. */
export const mostFailuresNamed = 5
/** Temporal takes 400 bytes for the summary of an activity. */
const mostCharactersOfName = 80

/** The items that a mapped task runs for, or how it ends without running for any. */
export function readItems(task: TaskNode, values: RunValues): { items: unknown[] } | TaskEnd {
  const taskId = task.id
  const { mapping } = task
  if (mapping === undefined) throw new Error(`${taskId} is not mapped`)
  const lists: unknown[][] = []
  for (const { source, words } of sourcesOf(mapping)) {
    const list = resolveInput(source, values)
    if (mapping.byInstance && (list === undefined || list === null)) {
      const because = tasksUsed(source)
      const who = because.length === 0 ? '' : `: ${because.join(', ')} gave none`
      return { type: 'task_upstream_failed', taskId, reason: `${words} is missing${who}`, because }
    }
    if (!Array.isArray(list)) {
      return { type: 'task_failed', taskId, reason: `${words} is ${typeof list}, not a list` }
    }
    lists.push(list)
  }
  const count = lists.reduce((product, list) => product * list.length, 1)
  if (count === 0) return { type: 'task_skipped', taskId, reason: 'the list is empty' }
  if (count > mostItems) {
    const reason = `it is mapped over ${count} items; ${mostItems} are the most`
    return { type: 'task_failed', taskId, reason }
  }
  return {
    items: mapping.product === undefined ? (lists[0] ?? []) : crossed(mapping.product, lists),
  }
}

function sourcesOf({ over, product }: Mapping) {
  if (product === undefined || over.from !== 'list') {
    return [{ source: over, words: 'the list that it is mapped over' }]
  }
  return over.items.map((source, no) => ({
    source,
    words: `the list ${product[no]} that it is mapped over`,
  }))
}

/** Every item of each list with every one of the others; the last list varies fastest, as in Airflow. */
function crossed(names: readonly string[], lists: readonly (readonly unknown[])[]): object[] {
  return lists.reduce<object[]>(
    (items, list, no) =>
      items.flatMap((item) => list.map((value) => ({ ...item, [names[no] ?? no]: value }))),
    [{}],
  )
}

/** What people call an instance besides its index; undefined where the map gives no names. */
export function nameInstance(
  { mapping }: TaskNode,
  values: RunValues & { readonly item: unknown },
): string | undefined {
  if (mapping?.name === undefined) return undefined
  const parts: unknown = resolveInput(mapping.name, values)
  const words = (Array.isArray(parts) ? parts : [parts]).map((part) => String(part ?? ''))
  return [...words.join(' ')].slice(0, mostCharactersOfName).join('')
}

/** What is left of the instances before single ones were cleared. */
export interface InstancesBefore {
  readonly kept: KeptInstances
  readonly outputs: readonly unknown[]
}

/** What became of all instances, those that a clear let stay among them. */
export interface MapResult {
  readonly failed: readonly number[]
  readonly skipped: readonly number[]
  readonly failures: readonly string[]
  /** By index; null when there is too much of it. */
  readonly outputs: readonly unknown[] | null
}

/** What was kept of before, of the instances that have not run again. */
export function withKept(
  ran: readonly number[],
  result: MapResult,
  kept: KeptInstances,
  outputsBefore: readonly unknown[],
  total: number,
): MapResult {
  const again = new Set(ran)
  const stays = (index: number) => index < total && !again.has(index)
  const byIndex = (one: number, other: number) => one - other
  const ofRan = new Map(ran.map((index, no) => [index, result.outputs?.[no] ?? null]))
  return {
    failed: [...readIndexes(kept.failed).filter(stays), ...result.failed].toSorted(byIndex),
    skipped: [...readIndexes(kept.skipped).filter(stays), ...result.skipped].toSorted(byIndex),
    failures: [...kept.failures.filter((one) => stays(indexOfFailure(one))), ...result.failures]
      .toSorted((one, other) => indexOfFailure(one) - indexOfFailure(other))
      .slice(0, mostFailuresNamed),
    outputs:
      result.outputs &&
      Array.from({ length: total }, (_, index) =>
        stays(index) ? (outputsBefore[index] ?? null) : (ofRan.get(index) ?? null),
      ),
  }
}

export function endsOf(items: readonly unknown[], result: MapResult): InstanceEnds {
  return {
    total: items.length,
    failed: indexesInWords(result.failed),
    skipped: indexesInWords(result.skipped),
    failures: result.failures.slice(0, mostFailuresNamed),
    items: hashItems(items),
  }
}

/**
 * How a mapped task ends whose instances all have: a failed one fails it. `failures`: the first, in
 * words. `ends` are on record where single instances can run again.
 */
export function endOfMapped(
  taskId: string,
  instances: InstanceCounts,
  failures: readonly string[],
  ends?: InstanceEnds,
): TaskEnd {
  const { success, failed, skipped } = instances
  const record = { instances, ...(ends && { ends }) }
  if (failed > 0) {
    const named = failures.slice(0, mostFailuresNamed).join('; ')
    const reason = `${failed} of ${success + failed + skipped} instances failed: ${named}`
    return { type: 'task_failed', taskId, reason, ...record }
  }
  if (success === 0) return { type: 'task_skipped', taskId, reason: 'all instances were skipped' }
  return { type: 'task_succeeded', taskId, ...record }
}
