import { describe, expect, test } from 'vitest'
import type { RecordedStep } from '../../dag/recover-run.ts'
import { recoverRun } from '../../dag/recover-run.ts'
import type { TaskStates } from '../../dag/task-state.ts'
import { graphOf } from './graph-of.ts'
import { stateNames, statesOf } from './run-to-end.ts'

const graph = graphOf({ load: [], sum: ['load'], report: ['sum'] }, { sum: { retries: 1 } })

function recovered(steps: readonly RecordedStep[] | null, states: TaskStates = {}) {
  const run = recoverRun({ graph, states, steps })
  return { states: stateNames(run.states), unknown: run.unknownOutputs }
}

const attempt = (taskId: string, state: RecordedStep['state'], no = 1): RecordedStep => ({
  ...{ taskId, state, reason: '', attempt: no },
})
const byHand = (taskId: string, state: RecordedStep['state']): RecordedStep => ({
  ...{ taskId, state, reason: '', attempt: null },
})

test('what the end of a run recorded holds', () => {
  const states = statesOf({ load: 'S', sum: 'F', report: 'U' })
  expect(recovered(null, states)).toEqual({ states: stateNames(states), unknown: undefined })
})

describe('of a run without an end on record', () => {
  test('attempts tell what succeeded; what it returned is not known', () => {
    expect(recovered([attempt('load', 'success'), attempt('sum', 'running')])).toEqual({
      states: { load: 'success', sum: 'cancelled', report: 'none' },
      unknown: ['load'],
    })
  })

  test('a task has failed when its last try has', () => {
    const once = [attempt('load', 'success'), attempt('sum', 'failed')]
    expect(recovered(once).states).toMatchObject({ sum: 'cancelled' })
    expect(recovered([...once, attempt('sum', 'failed', 2)]).states).toMatchObject({
      sum: 'failed',
    })
  })

  test('what was cleared after it had ended waits, what was marked has its mark', () => {
    expect(
      recovered([attempt('load', 'success'), byHand('load', 'none'), byHand('sum', 'success')]),
    ).toEqual({ states: { load: 'none', sum: 'success', report: 'none' }, unknown: [] })
  })

  test('what it had from the run that it repaired is known', () => {
    const repaired = statesOf({ load: 'S', sum: '-', report: '-' })
    expect(recovered([attempt('sum', 'success')], repaired)).toEqual({
      states: { load: 'success', sum: 'success', report: 'none' },
      unknown: ['sum'],
    })
  })

  test('a mapped task did not come to an end, whatever became of its instances', () => {
    expect(
      recovered([attempt('load[0]', 'success'), attempt('load[1]', 'success')]).states,
    ).toEqual({ load: 'cancelled', sum: 'none', report: 'none' })
  })

  test('a task that found nothing to do is skipped', () => {
    const idle = { ...attempt('load', 'failed'), reason: 'TaskSkipped: a holiday' }
    expect(recoverRun({ graph, states: {}, steps: [idle] }).states).toMatchObject({
      load: { state: 'skipped', reason: 'a holiday' },
    })
  })
})

describe('of tasks that leave no attempts', () => {
  const itself = { kind: 'dag_run', activity: null } as const
  const calling = graphOf(
    { call: [], again: ['call'], mail: ['again'] },
    { call: itself, again: itself },
  )
  const statesAfter = (steps: readonly RecordedStep[], of = calling) => {
    const run = recoverRun({ graph: of, states: {}, steps })
    return { states: stateNames(run.states), unknown: run.unknownOutputs }
  }

  test('the run of another DAG has ended where what comes after it began', () => {
    expect(statesAfter([attempt('mail', 'running')])).toEqual({
      states: { call: 'success', again: 'success', mail: 'cancelled' },
      unknown: ['again', 'call'],
    })
    expect(statesAfter([]).states).toEqual({ call: 'none', again: 'none', mail: 'none' })
  })

  test('all instances of a mapped task have ended where what comes after it began', () => {
    const mapped = graphOf({ parse: [], sum: ['parse'] }, { parse: { kind: 'mapped' } })
    const instances = [attempt('parse[0]', 'success'), attempt('parse[1]', 'success')]
    expect(statesAfter(instances, mapped).states).toEqual({ parse: 'cancelled', sum: 'none' })
    expect(statesAfter([...instances, attempt('sum', 'running')], mapped)).toEqual({
      states: { parse: 'success', sum: 'cancelled' },
      unknown: ['parse'],
    })
  })

  test('nothing follows from a task that began without waiting for it', () => {
    const early = graphOf(
      { call: [], mail: ['call'] },
      { call: itself, mail: { rule: 'all_done' } },
    )
    expect(statesAfter([attempt('mail', 'success')], early).states).toMatchObject({ call: 'none' })
  })

  test('nor from a further try, when it was cleared before that', () => {
    const tries = [attempt('mail', 'failed'), byHand('call', 'none'), attempt('mail', 'failed', 2)]
    expect(statesAfter(tries).states).toMatchObject({ call: 'none', again: 'success' })
  })

  test.each(['approve', 'reject'] as const)('a decision to %s stays', (decision) => {
    const signed = graphOf(
      { sign: [], pay: ['sign'] },
      { sign: { kind: 'approval', activity: null } },
    )
    const steps = [{ ...byHand('sign', 'success'), decision }]
    const begun: TaskStates = {}
    const { states, unknownOutputs } = recoverRun({ graph: signed, states: begun, steps })
    expect(states['sign']).toMatchObject({ state: 'success' })
    expect(states['sign']?.isShut ?? false).toBe(decision === 'reject')
    expect(unknownOutputs).toEqual(['sign'])
  })

  test('a rejection that fails its task stays one', () => {
    const signed = graphOf(
      { sign: [], pay: ['sign'] },
      { sign: { kind: 'approval', activity: null, failsOnReject: true } },
    )
    const step = { ...byHand('sign', 'success'), decision: 'reject' as const, by: 'ada' }
    const begun: TaskStates = {}
    const { states } = recoverRun({ graph: signed, states: begun, steps: [step] })
    expect(states['sign']).toMatchObject({ state: 'failed', reason: 'rejected by ada' })
  })
})
