import { describe, expect, test } from 'vitest'
import type { EndedTask, FailedRun, SucceededRun } from '../../dag/define-dag.ts'
import { activityRefs, defineDag } from '../../dag/define-dag.ts'
import { after, fails, skips, testRun } from '../../dag/testing/test-run.ts'

interface Activities {
  load(input: { date: string }): Promise<void>
  choose(input: { date: string }): Promise<'left' | 'right'>
  isOpen(input: { date: string }): Promise<boolean>
  mailFailure(input: FailedRun): Promise<void>
  mailSuccess(input: SucceededRun): Promise<void>
  note(input: EndedTask): Promise<void>
  noteDate(input: { date: string }): Promise<void>
}
const act = activityRefs<Activities>()
const daily = { schedule: null, startDate: '2025-01-01', catchup: false, maxActiveRuns: 1 } as const
const told = { onFailure: act.mailFailure, onSuccess: act.mailSuccess }
const date = '2025-12-13'
const run = { dagId: 'pair', date, runKey: `pair/${date}` }

const pair = defineDag({ id: 'pair', ...daily, ...told }, ({ task, date }) => {
  task('one', act.load, { date })
  task('two', act.load, { date })
})

describe('AT-R8 who is told how a run ended', () => {
  test('hears of a failure which task failed last, beside all that failed', async () => {
    const one = after('10 minutes', fails('no table'))
    const { inputs } = await testRun(pair, { date, fakes: { one, two: fails('no route') } })
    expect(inputs['on_failure']).toEqual({
      ...{ ...run, failedTasks: ['one', 'two'], lastFailedTask: 'one' },
      reason: 'one failed (no table); two failed (no route)',
    })
    expect(inputs['on_success']).toBeUndefined()
  })

  test('hears of a success which task succeeded last', async () => {
    const { inputs } = await testRun(pair, { date, fakes: { one: after('2 minutes'), two: 1 } })
    expect(inputs['on_success']).toEqual({ ...run, failedTasks: [], lastSucceededTask: 'one' })
    expect(inputs['on_failure']).toBeUndefined()
  })

  test('hears of the later end of a task that was cleared', async () => {
    const meanwhile = [{ at: '30 minutes', clear: { tasks: ['two'], downstream: false } }] as const
    const fakes = { one: after('40 minutes'), two: fails('no route') }
    const { inputs } = await testRun(pair, { date, fakes, meanwhile })
    expect(inputs['on_failure']).toMatchObject({ lastFailedTask: 'two' })
  })

  test('hears null where no task failed or succeeded', async () => {
    const stopped = defineDag({ id: 'pair', ...daily, ...told, runTimeout: '1 hour' }, (build) => {
      build.task('one', act.load, { date: build.date })
    })
    const late = await testRun(stopped, { date, fakes: { one: after('2 hours') } })
    expect(late.inputs['on_failure']).toMatchObject({ lastFailedTask: null, failedTasks: [] })
    const fakes = { one: skips('a holiday'), two: skips('a holiday') }
    const idle = await testRun(pair, { date, fakes })
    expect(idle.inputs['on_success']).toMatchObject({ lastSucceededTask: null })
  })

  test('hears nothing of a run that was cancelled', async () => {
    const meanwhile = [{ at: '1 minute', cancel: true }] as const
    const fakes = { one: after('1 hour'), two: 1 }
    expect(Object.keys((await testRun(pair, { fakes, meanwhile })).inputs)).toEqual(['one', 'two'])
  })

  test('hears in a repaired run of what ended in it, else of what it kept', async () => {
    const fakes = { one: after('1 minute', fails('no table')), two: 1 }
    const failed = await testRun(pair, { date, fakes })
    const repaired = await testRun(pair, { fakes: { one: 1 }, repairs: { run: failed } })
    expect(repaired.inputs['on_success']).toMatchObject({ lastSucceededTask: 'one' })
    const clear = { tasks: ['one'], mark: 'skipped' as const }
    const marked = await testRun(pair, { repairs: { run: failed, clear } })
    expect(marked.inputs['on_success']).toMatchObject({ lastSucceededTask: 'two' })
  })
})

describe('who is told how a task ended', () => {
  const all = { onSuccess: act.note, onFailure: act.note, onSkipped: act.note } as const
  const notes = (inputs: Readonly<Record<string, unknown>>) =>
    Object.entries(inputs).filter(([id]) => id.includes(':'))
  const branching = defineDag({ id: 'pair', ...daily }, (build) => {
    const { task, branch, date } = build
    const choice = branch('choice', act.choose, { date }, ['left', 'right'], all)
    const left = task('left', act.load, { date }, { ...all, after: [choice] })
    task('right', act.load, { date }, { ...all, after: [choice] })
    task('behind', act.load, { date }, { ...all, after: [left] })
  })

  test('hears of its success, its failure and its own skip', async () => {
    const fakes = { choice: 'left', left: 1, behind: fails('no table') }
    const failed = notes((await testRun(branching, { date, fakes })).inputs)
    expect(failed).toEqual([
      [
        'choice:on_success',
        { ...run, taskId: 'choice', state: 'success', reason: 'it chose left' },
      ],
      [
        'left:on_success',
        { ...run, taskId: 'left', state: 'success', reason: 'it ran and succeeded' },
      ],
      ['behind:on_failure', { ...run, taskId: 'behind', state: 'failed', reason: 'no table' }],
    ])
    const idle = { choice: 'left', left: skips('a holiday') }
    const skipped = notes((await testRun(branching, { date, fakes: idle })).inputs)
    expect(skipped.map(([id]) => id)).toEqual(['choice:on_success', 'left:on_skipped'])
  })

  test('hears nothing where others skipped or stopped it, or a person marked it', async () => {
    const fakes = { choice: 'right', right: after('1 hour') }
    const meanwhile = [{ at: '1 minute', mark: ['right'], as: 'failed' }] as const
    const { inputs } = await testRun(branching, { date, fakes, meanwhile })
    expect(notes(inputs).map(([id]) => id)).toEqual(['choice:on_success'])
  })

  test('hears nothing of a task that others skipped after it had waited for its past', async () => {
    const dag = defineDag({ id: 'pair', ...daily }, ({ task, shortCircuit, date }) => {
      const isOpen = shortCircuit('is_open', act.isOpen, { date })
      const held = { dependsOnPast: true, waitForPastDependsBeforeSkipping: true } as const
      task('load', act.load, { date }, { ...all, ...held, after: [isOpen] })
    })
    const { tasks, inputs } = await testRun(dag, { date, fakes: { is_open: false } })
    expect(tasks['load']).toBe('skipped')
    expect(notes(inputs)).toEqual([])
  })

  test('hears anew of a task that was cleared, under an id of its own', async () => {
    const fakes = { choice: 'right', right: after('10 minutes') }
    const meanwhile = [{ at: '1 minute', clear: { tasks: ['choice'] } }] as const
    const { inputs } = await testRun(branching, { date, fakes, meanwhile })
    expect(notes(inputs).map(([id]) => id)).toEqual([
      ...['choice:on_success', 'choice:on_success:1', 'right:on_success:1'],
    ])
  })
})

test('a callback that takes something else does not compile, and its id is kept', () => {
  const options = { id: 'pair', ...daily }
  // @ts-expect-error it takes a failed run, not a task
  const wrong = () => defineDag({ ...options, onSuccess: act.mailFailure }, () => undefined)
  expect(wrong).toThrow('it has no tasks')
  const kept = () =>
    defineDag({ ...options, onSuccess: act.noteDate }, ({ task, date }) => {
      task('on_success', act.load, { date }, { onSkipped: act.noteDate })
    })
  expect(kept).toThrow('the id on_success is kept for the DAG option onSuccess')
})
