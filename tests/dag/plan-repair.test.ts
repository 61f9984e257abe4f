import { describe, expect, test } from 'vitest'
import { ClearRequest } from '../../dag/plan-clear.ts'
import type { EndedGraph } from '../../dag/plan-repair.ts'
import { leftAsTheyAre, planRepair } from '../../dag/plan-repair.ts'
import type { TaskState, TaskStates } from '../../dag/task-state.ts'
import { graphOf } from './graph-of.ts'

const recorded = graphOf(
  { load: [], sum: ['load'], report: ['sum'], clean: ['sum'] },
  { clean: { rule: 'all_done' } },
)
const latest = graphOf(
  { load: [], audit: ['load'], sum: ['load'], report: ['sum'], clean: ['sum'] },
  { clean: { rule: 'all_done' } },
)

function statesOf(states: Readonly<Record<string, TaskState>>): TaskStates {
  return Object.fromEntries(
    Object.entries(states).map(([id, state]) => [id, { state, reason: '' }]),
  )
}

const failed = statesOf({
  ...{ load: 'success', sum: 'failed', report: 'upstream_failed', clean: 'success' },
})

function plan(request: object, states = failed, ended: Partial<EndedGraph> = {}) {
  const parsed = ClearRequest.parse({ by: 'ada', ...request })
  const made = planRepair({ graph: recorded, states, ...ended }, latest, parsed)
  if ('problem' in made) return { ...made, left: [], states: {} }
  const left = leftAsTheyAre(made.graph, states, made.tasks).map(({ taskId }) => taskId)
  const after = Object.entries(made.states).map(([id, { state }]) => [id, state])
  const tasks = made.tasks.map(({ taskId }) => taskId)
  return { graph: made.graph, tasks, left, states: Object.fromEntries(after) }
}

describe('a clear of an ended run', () => {
  test('begins by default with what failed and everything downstream of it', () => {
    expect(plan({})).toMatchObject({ tasks: ['sum', 'report', 'clean'], left: [] })
  })

  test('of failed tasks alone leaves a successful downstream as it is, and says so', () => {
    expect(plan({ onlyFailed: true })).toMatchObject({ tasks: ['sum', 'report'], left: ['clean'] })
  })

  test('goes by the graph of the run, unless the one of the code is asked for', () => {
    expect(plan({}).graph).toBe(recorded)
    const newest = plan({ graph: 'latest' })
    expect(newest.graph).toBe(latest)
    expect(newest.tasks).toEqual(['audit', 'sum', 'report', 'clean'])
  })

  test('can begin with a task that only the code has', () => {
    expect(plan({ graph: 'latest', tasks: ['audit'] }).tasks).toEqual(['audit'])
    expect(plan({ tasks: ['audit'] })).toMatchObject({
      problem: expect.stringContaining('has no task audit; it has load'),
    })
  })

  test('adds new tasks alone, and touches nothing else', () => {
    const cancelled = { ...failed, ...statesOf({ clean: 'cancelled' }) }
    expect(plan({ graph: 'new_tasks' }, cancelled)).toMatchObject({
      tasks: ['audit'],
      states: { load: 'success', audit: 'none', sum: 'failed', clean: 'cancelled' },
    })
    const all = { ...failed, ...statesOf({ audit: 'success' }) }
    expect(plan({ graph: 'new_tasks' }, all)).toMatchObject({
      problem: expect.stringContaining('the run has all tasks'),
    })
  })

  test('resumes what was cancelled, though nothing failed', () => {
    const cancelled = statesOf({
      ...{ load: 'success', sum: 'cancelled', report: 'cancelled', clean: 'cancelled' },
    })
    expect(plan({}, cancelled)).toMatchObject({
      tasks: ['sum', 'report', 'clean'],
      states: { load: 'success', sum: 'none', report: 'none', clean: 'none' },
    })
  })

  test('resumes what the end of the run cut off: a time-out, or a DAG that fails fast', () => {
    const cutOff = Object.fromEntries(
      ['sum', 'report', 'clean'].map((id) => [
        id,
        { state: 'skipped', reason: 'the run took longer than 5 s', isCutOff: true } as const,
      ]),
    )
    expect(plan({}, { ...statesOf({ load: 'success' }), ...cutOff })).toMatchObject({
      tasks: ['sum', 'report', 'clean'],
      states: { load: 'success', sum: 'none', report: 'none', clean: 'none' },
    })
  })

  test('has nothing that is running', () => {
    expect(plan({ onlyRunning: true })).toMatchObject({
      problem: 'it has ended: none of its tasks is running',
    })
  })

  test('needs something to clear', () => {
    const done = statesOf({ load: 'success', sum: 'success', report: 'success', clean: 'success' })
    expect(plan({}, done)).toMatchObject({ problem: 'there is nothing to clear' })
  })
})

describe('a mark in an ended run', () => {
  test('resumes what failed or could not run behind it, and nothing else', () => {
    expect(plan({ tasks: ['sum'], mark: 'success' })).toMatchObject({
      tasks: ['report'],
      states: { load: 'success', sum: 'success', report: 'none', clean: 'success' },
    })
  })

  test('that lets nothing through skips what waits for it', () => {
    expect(plan({ tasks: ['sum'], mark: 'skipped' })).toMatchObject({
      tasks: [],
      states: { sum: 'skipped', report: 'skipped' },
    })
  })

  test('takes along what comes before and after, when asked', () => {
    const all = { ...statesOf({ load: 'failed', sum: 'failed' }) }
    const states = { ...all, ...statesOf({ report: 'upstream_failed', clean: 'success' }) }
    const around = { tasks: ['sum'], mark: 'success', upstream: true, downstream: true }
    expect(plan(around, states)).toMatchObject({
      tasks: [],
      states: { load: 'success', sum: 'success', report: 'success', clean: 'success' },
    })
  })

  test.each([
    [{ tasks: [] }, 'say which tasks'],
    [{ tasks: ['nothing'] }, 'sample has no task nothing; it has load, sum, report, clean'],
  ])('%j is refused', (request, problem) => {
    expect(plan({ ...request, mark: 'failed' })).toMatchObject({ problem })
  })
})

describe('a run of which it is not on record what its tasks returned', () => {
  const reads = (task: string) => ({ input: { from: 'output', task, path: [] } }) as const
  const graph = graphOf(
    { load: [], sum: ['load'], report: ['sum'], log: ['load'] },
    { sum: reads('load'), report: reads('sum'), log: {} },
  )
  const again = (states: TaskStates, request = {}) =>
    plan(request, states, { graph, unknownOutputs: ['load', 'sum', 'log'] }).tasks

  test('runs again what has succeeded and is read by what runs, and so on', () => {
    const states = { ...statesOf({ load: 'success', sum: 'success' }) }
    const cut = statesOf({ report: 'cancelled', log: 'success' })
    expect(again({ ...states, ...cut })).toEqual(['load', 'sum', 'report'])
  })

  test('leaves alone what nobody reads', () => {
    const states = statesOf({ load: 'success', sum: 'success', report: 'success' })
    expect(again({ ...states, ...statesOf({ log: 'cancelled' }) })).toEqual(['log'])
  })

  test('has a branch choose again whose choice is not on record', () => {
    const forked = graphOf(
      { choose: [], left: ['choose'], right: ['choose'] },
      { choose: { kind: 'branch', choices: ['left', 'right'] } },
    )
    const states = statesOf({ choose: 'success', left: 'cancelled', right: 'none' })
    const made = plan({}, states, { graph: forked, unknownOutputs: ['choose'] })
    expect(made.tasks).toEqual(['choose', 'left', 'right'])
  })
})
