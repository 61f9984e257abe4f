import type { Graph, TaskNode } from './graph.ts'
import { taskOf } from './graph.ts'
import { scopesOf } from './setups.ts'

/** From the start of a task's first attempt to the end of its last; no end while it goes on. */
export interface TaskSpan {
  readonly startMs: number
  readonly endMs: number | null
  /** Unless false; the end is the earliest that it can have been then. */
  readonly isEndKnown?: boolean
}

export type TaskSpans = ReadonlyMap<string, TaskSpan>

export interface PathStep {
  readonly taskId: string
  /** Between the end of the step before, or the start of the run, and its own start. */
  readonly waitedMs: number
  /** null when its end is not known. */
  readonly ranMs: number | null
}

/**
 * The chain of tasks that determined when a run ended: from the one that ended last, back to the
 * upstream task whose end let it start, and so on. Tasks that go on end `nowMs`.
 */
export function criticalPath(
  graph: Graph,
  spans: TaskSpans,
  run: { readonly startMs: number; readonly nowMs: number },
): PathStep[] {
  const endOf = (id: string) => spans.get(id)?.endMs ?? run.nowMs
  const known = graph.tasks.map(({ id }) => id).filter((id) => spans.has(id))
  const steps: PathStep[] = []
  let next = latest(known, endOf)
  while (next !== undefined) {
    const taskId = next
    const startMs = spans.get(taskId)?.startMs ?? run.startMs
    const before = spansBefore(graph, spans, taskId).filter((id) => endOf(id) <= startMs)
    next = latest(before, endOf)
    const readyMs = next === undefined ? run.startMs : endOf(next)
    const waitedMs = Math.max(startMs - readyMs, 0)
    const isKnown = spans.get(taskId)?.isEndKnown !== false
    steps.push({ taskId, waitedMs, ranMs: isKnown ? Math.max(endOf(taskId) - startMs, 0) : null })
  }
  return steps.reverse()
}

/** The nearest tasks before it that ran: through those that did not, on to what is before them. */
function spansBefore(graph: Graph, spans: TaskSpans, taskId: string): string[] {
  const found = new Set<string>()
  const seen = new Set<string>()
  const visit = (id: string) => {
    if (seen.has(id)) return
    seen.add(id)
    if (spans.has(id)) found.add(id)
    else waitsFor(graph, taskOf(graph, id)).forEach(visit)
  }
  waitsFor(graph, taskOf(graph, taskId)).forEach(visit)
  return [...found]
}

function waitsFor(graph: Graph, task: TaskNode): string[] {
  const { setups, between } = scopesOf(graph).get(task.id) ?? { setups: [], between: [] }
  return [...task.upstream, ...setups, ...between]
}

function latest(ids: readonly string[], endOf: (id: string) => number): string | undefined {
  return ids.reduce<string | undefined>(
    (best, id) => (best === undefined || endOf(id) > endOf(best) ? id : best),
    undefined,
  )
}

/**
 * The median of each task's durations in past runs. A run in which a task did not run counts as 0,
 * so that what runs on few days is not expected on all; one of which it is not known does not count.
 */
export function medianDurationsMs(
  pastRuns: readonly ReadonlyMap<string, number | null>[],
): ReadonlyMap<string, number> {
  const ids = new Set(pastRuns.flatMap((run) => [...run.keys()]))
  const knownOf = (id: string) =>
    pastRuns.map((run) => (run.has(id) ? run.get(id) : 0)).filter((ms) => typeof ms === 'number')
  return new Map([...ids].map((id) => [id, median(knownOf(id))]))
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 1 ? high : (low + high) / 2
}

export interface ExpectedFinish {
  readonly finishMs: number
  /** The tasks that still have to end, one after the other, before the run can. */
  readonly path: readonly string[]
}

/** When a run that goes on is expected to end, each task taking as long as it usually does. */
export function expectFinish(
  graph: Graph,
  spans: TaskSpans,
  usualMs: ReadonlyMap<string, number>,
  nowMs: number,
): ExpectedFinish {
  const endOf = new Map<string, number>()
  const after = new Map<string, string>()
  for (const task of graph.tasks) {
    const last = latest(waitsFor(graph, task), (id) => endOf.get(id) ?? 0)
    if (last !== undefined) after.set(task.id, last)
    const usual = usualMs.get(task.id) ?? 0
    const span = spans.get(task.id)
    const readyMs = last === undefined ? 0 : (endOf.get(last) ?? 0)
    if (span === undefined) endOf.set(task.id, Math.max(nowMs, readyMs) + usual)
    else endOf.set(task.id, span.endMs ?? Math.max(nowMs, span.startMs + usual))
  }
  const ends = (id: string) => endOf.get(id) ?? 0
  const path: string[] = []
  const hasEnded = (id: string) => (spans.get(id)?.endMs ?? null) !== null
  const ids = graph.tasks.map(({ id }) => id)
  let next = latest(ids, ends)
  const finishMs = next === undefined ? nowMs : Math.max(ends(next), nowMs)
  while (next !== undefined && !hasEnded(next)) {
    if (spans.has(next) || (usualMs.get(next) ?? 0) > 0) path.unshift(next)
    next = after.get(next)
  }
  return { finishMs, path }
}
