import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineDag } from '../../dag/define-dag.ts'
import { resolveRun } from '../../dag/resolve-run.ts'

const params = z.object({ times: z.int() })
const dag = defineDag(
  {
    ...{ id: 'greeting', schedule: null, startDate: '2025-01-01', catchup: false, params },
    maxActiveRuns: 1,
  },
  ({ task, date }) => {
    task('greet', { activityName: 'greet' }, { date })
  },
)
const date = '2025-12-01'
const clear = { tasks: ['greet'], by: 'ann' }

function resolve(input: object) {
  return resolveRun(dag, {
    ...{ workflowId: `greeting/${date}`, inputs: [input], trigger: 'cli' },
    ...{ scheduledMs: undefined, nowMs: Date.parse('2025-12-03T00:00:00Z') },
  })
}

describe('a DAG with a param that has no default', () => {
  test('refuses a run without it', () => {
    expect(resolve({ date })).toMatchObject({
      isValid: false,
      problem: expect.stringContaining('the params do not fit: times'),
    })
  })

  test('is cleared without it: the ended run had it', () => {
    expect(resolve({ date, clear })).toMatchObject({ isValid: true })
  })

  test('is run again without it by a backfill, which is told what it lacks without a run before', () => {
    const backfill = { id: 'b', params: 'recorded', graph: 'latest' }
    expect(resolve({ date, backfill })).toMatchObject({
      ...{ isValid: true, backfill: { unfit: expect.stringContaining('times') } },
    })
    const given = { ...backfill, params: 'given' }
    expect(resolve({ date, backfill: given })).toMatchObject({ isValid: false })
    expect(resolve({ date, backfill, params: {} })).toMatchObject({ isValid: false })
  })

  test('checks what a clear gives', () => {
    const given = { ...clear, params: 'given' }
    expect(resolve({ date, clear: given, params: { times: 2 } })).toMatchObject({
      ...{ isValid: true, params: { times: 2 } },
    })
    expect(resolve({ date, clear: given, params: { times: 'two' } })).toMatchObject({
      isValid: false,
    })
  })
})
