import fc from 'fast-check'
import type { Graph, TaskNode } from '../../dag/graph.ts'
import { directDownstream, triggerRules } from '../../dag/graph.ts'
import type { RunEvent } from '../../dag/reducer.ts'
import { graphOf } from './graph-of.ts'
import type { End } from './run-to-end.ts'

export interface AnyRun {
  readonly graph: Graph
  readonly ends: Readonly<Record<string, End>>
  /** An order in which tasks end. */
  readonly pick: () => (running: readonly string[]) => string | undefined
}

const kinds = ['task', 'mapped', 'branch', 'short_circuit', 'latest_only', 'approval'] as const
const outcomes = ['success', 'success', 'failed', 'skipped', 'shut'] as const

const instanceEnds = ['success', 'success', 'failed', 'skipped'] as const

function drawn(size: number) {
  const each = <T>(value: fc.Arbitrary<T>) => fc.array(value, { minLength: size, maxLength: size })
  return fc.record({
    edges: each(each(fc.boolean())),
    rules: each(fc.constantFrom(...triggerRules)),
    kinds: each(fc.constantFrom(...kinds)),
    skips: each(fc.constantFrom('all_downstream', 'direct_downstream')),
    /** Set-ups, and which later task takes them away, if any. */
    setups: each(fc.option(fc.nat(8), { freq: 1 })),
    outcomes: each(fc.constantFrom(...outcomes)),
    chosen: each(each(fc.boolean())),
    instances: each(fc.array(fc.constantFrom(...instanceEnds), { maxLength: 4 })),
    picks: fc.array(fc.nat(), { minLength: 1, maxLength: 30 }),
    isFailFast: fc.boolean(),
  })
}

type Drawn = ReturnType<typeof drawn> extends fc.Arbitrary<infer T> ? T : never

/** Any DAG of up to nine tasks, how each task ends and in which order. */
export const anyRun: fc.Arbitrary<AnyRun> = fc
  .integer({ min: 1, max: 9 })
  .chain(drawn)
  .map((draw) => {
    const graph = graphFrom(draw)
    const ends = graph.tasks.map((task, index) => [task.id, endOf(draw, task, index)] as const)
    return { graph, ends: Object.fromEntries(ends), pick: () => picking(draw.picks) }
  })

function graphFrom(draw: Drawn): Graph {
  const ids = draw.rules.map((_, index) => `t${index}`)
  const teardowns = new Map<number, string[]>()
  draw.setups.forEach((target, index) => {
    if (target === null || target <= index || draw.setups[target] !== null) return
    if (ids[target] !== undefined)
      teardowns.set(target, [...(teardowns.get(target) ?? []), `t${index}`])
  })
  const edges = ids.map((id, index) => {
    const drawnEdges = ids.slice(0, index).filter((_, other) => draw.edges[index]?.[other])
    return [id, [...new Set([...drawnEdges, ...(teardowns.get(index) ?? [])])]] as const
  })
  const changes = ids.map((id, index) => [id, nodeOf(draw, index, teardowns.get(index))] as const)
  const graph = graphOf(Object.fromEntries(edges), Object.fromEntries(changes))
  return {
    ...graph,
    tasks: graph.tasks.map((task) =>
      task.kind === 'branch' ? { ...task, choices: directDownstream(graph, task.id) } : task,
    ),
    ...(draw.isFailFast ? { isFailFast: true } : {}),
  }
}

function nodeOf(draw: Drawn, index: number, setups: string[] | undefined): Partial<TaskNode> {
  if (setups !== undefined) {
    return { rule: 'all_done_setup_success', teardown: { setups, failsRun: false } }
  }
  const rule = draw.isFailFast ? 'all_success' : draw.rules[index]
  return {
    ...(rule === undefined ? {} : { rule }),
    ...(draw.setups[index] === null
      ? { kind: draw.kinds[index] ?? 'task', skips: draw.skips[index] ?? 'all_downstream' }
      : { isSetup: true }),
  }
}

function endOf(draw: Drawn, task: TaskNode, index: number): End {
  const outcome = draw.outcomes[index] ?? 'success'
  if (task.kind === 'branch' && outcome !== 'failed') {
    return task.choices.filter((_, other) => draw.chosen[index]?.[other])
  }
  if (task.kind === 'mapped') return { instances: draw.instances[index] ?? [] }
  if (outcome !== 'shut') return outcome
  return task.kind === 'task' ? 'success' : 'shut'
}

/** Drawn anew for each run: the same numbers, from the first on. */
function picking(picks: readonly number[]): (running: readonly string[]) => string | undefined {
  let turn = 0
  return (running) => running[(picks[turn++ % picks.length] ?? 0) % Math.max(running.length, 1)]
}

/** What people do, and when: before the nth end of a task. */
export const anyInterventions = fc.array(
  fc.record({
    before: fc.nat(12),
    action: fc.constantFrom('clear', 'success', 'failed', 'skipped'),
    tasks: fc.uniqueArray(fc.nat(8), { minLength: 1, maxLength: 3 }),
  }),
  { maxLength: 5 },
)

type Interventions = typeof anyInterventions extends fc.Arbitrary<infer T> ? T : never

export function eventsOf(graph: Graph, drawn: Interventions): Map<number, () => RunEvent> {
  return new Map(
    drawn.map(({ before, action, tasks }) => {
      const taskIds = tasks.map((index) => `t${index % graph.tasks.length}`)
      const event: RunEvent =
        action === 'clear'
          ? { type: 'tasks_cleared', taskIds }
          : { type: 'tasks_marked', taskIds, state: action, reason: 'by hand' }
      return [before, () => event]
    }),
  )
}
