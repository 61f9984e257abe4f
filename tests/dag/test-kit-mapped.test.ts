import { describe, expect, test } from 'vitest'
import { activityRefs, defineDag } from '../../dag/define-dag.ts'
import { after, fails, testRun } from '../../dag/testing/test-run.ts'

interface Activities {
  list(input: { date: string }): Promise<{ file: string }[]>
  load(input: { file: string; date: string }): Promise<{ rows: number }>
  sum(input: { loads: ({ rows: number } | null)[] }): Promise<void>
  alarm(input: { date: string }): Promise<void>
}
const act = activityRefs<Activities>()

const files = defineDag(
  {
    ...{ id: 'files', schedule: null, startDate: '2025-01-01', catchup: false, maxActiveRuns: 1 },
    ...{ retries: 1, retryDelay: '1 minute' },
  },
  ({ task, map, date }) => {
    const listed = task('list', act.list, { date })
    const loads = map('load', act.load, listed.output, (item) => ({ file: item.file, date }), {
      maxActiveTisPerDagrun: 2,
    })
    task('sum', act.sum, { loads: loads.output })
    task('alarm', act.alarm, { date }, { after: [loads], rule: 'one_failed' })
  },
)
const list = ['a', 'b', 'c'].map((file) => ({ file }))
const minute = 60_000

describe('a mapped task', () => {
  test('asks its fake for each item, so many at once, and hands on a list', async () => {
    const load = ({ file }: { file: string }) => after('10 minutes', { rows: file.charCodeAt(0) })
    const run = await testRun(files, { fakes: { list, load }, others: 'succeed' })
    expect(run).toMatchObject({ state: 'success', elapsedMs: 20 * minute, attempts: { load: 3 } })
    expect(run.inputs['load']).toEqual(list.map((item) => ({ ...item, date: '2025-01-01' })))
    expect(run.inputs['sum']).toEqual({ loads: [{ rows: 97 }, { rows: 98 }, { rows: 99 }] })
    expect(run.tasks['alarm']).toBe('skipped')
  })

  test('fails with an instance that fails in the end; its first failure is heard at once', async () => {
    const load = ({ file }: { file: string }) =>
      file === 'b'
        ? fails('torn')(undefined, { attempt: 1, cleared: 0, date: '' })
        : after('1 hour')
    const run = await testRun(files, { fakes: { list, load }, others: 'succeed' })
    expect(run.reasons['load']).toBe('1 of 3 instances failed: [1] torn')
    expect(run.tasks).toMatchObject({ load: 'failed', sum: 'upstream_failed', alarm: 'success' })
    expect(run.why('sum')).toContain('because load is failed')
  })

  test('is skipped over an empty list', async () => {
    const run = await testRun(files, { fakes: { list: [] } })
    expect(run.tasks).toMatchObject({ load: 'skipped', sum: 'skipped', alarm: 'skipped' })
    expect(run.reasons['load']).toBe('the list is empty')
  })

  test('that is cleared while it runs begins anew, and its instances count no more', async () => {
    const load = (_: unknown, { cleared }: { cleared: number }) => {
      if (cleared === 0) throw new Error('torn')
      return after('5 minutes')
    }
    const meanwhile = [{ at: '30 seconds', clear: { tasks: ['load'] } }] as const
    const run = await testRun(files, { fakes: { list, load }, others: 'succeed', meanwhile })
    expect(run.tasks).toMatchObject({ load: 'success', sum: 'success', alarm: 'skipped' })
    expect(run.order).toEqual(['list', 'load', 'load', 'sum'])
  })
})
