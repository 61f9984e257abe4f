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
})
