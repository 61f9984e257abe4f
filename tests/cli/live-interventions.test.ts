import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TaskStates } from '../../dag/task-state.ts'
import { liveOrEnded, updateRun } from '../../schedules/intervene.ts'
import type { RunHandle } from '../../schedules/start-run.ts'
import { replay } from '../workflows/replay-histories.ts'
import { sampleWorkflowsPath } from '../workflows/sample-dags/start-sample-worker.ts'
import type { SampleRuns } from './sample-runs.ts'
import { soon, startSampleRuns } from './sample-runs.ts'

let sample: SampleRuns
beforeAll(async () => {
  sample = await startSampleRuns()
})
afterAll(() => sample.stop())

/** Lets a held task end. */
async function letGo(handle: RunHandle, date: string) {
  const opening = setInterval(() => sample.gates.get(date)?.(), 20)
  try {
    return await handle.result()
  } finally {
    clearInterval(opening)
  }
}

describe('a run that goes on', () => {
  test('is cleared and marked at once', async () => {
    const date = '2025-12-07'
    const key = `sample_gate/${date}`
    const handle = await sample.start('sample_gate', date)
    await sample.isHeld(date)
    const nothing = await sample.daybook('clear', key, '--dry-run')
    expect(nothing.stderr).toContain('there is nothing to clear')
    const dry = await sample.daybook('clear', key, '--task', 'gate', '--dry-run')
    expect(dry.stdout).toMatch(/^gate +running +chosen$/m)
    const latest = await sample.daybook('clear', key, '--task', 'gate', '--latest')
    expect(latest.stderr).toContain('goes on, with the tasks that it began with')
    expect(latest.code).toBe(2)

    sample.gates.delete(date)
    const cleared = await sample.daybook('clear', key, '--task', 'gate', '--json')
    expect(JSON.parse(cleared.stdout)).toEqual({
      runs: [
        {
          ...{ run_key: key, is_live: true, state: 'running' },
          tasks: [{ task_id: 'gate', state: 'running', why: 'chosen' }],
        },
      ],
      skipped: [],
    })
    await sample.isHeld(date)
    const marked = await sample.daybook('mark', key, 'gate', '--state', 'success')
    expect(marked.stdout).toContain(`${key} goes on`)
    expect((await handle.result()).tasks).toEqual({ gate: 'success', after_gate: 'success' })
  })

  test('is paused and resumed', async () => {
    const date = '2025-12-08'
    const key = `sample_gate/${date}`
    const handle = await sample.start('sample_gate', date)
    await sample.isHeld(date)
    const paused = await sample.daybook('pause', key, '--by', 'ada', '--reason', 'move')
    expect(paused.stdout).toBe(`${key}: paused by ada\n`)
    sample.gates.get(date)?.()
    const why = () => handle.query<string, [string]>('why', 'after_gate')
    await vi.waitUntil(async () => (await why()).includes('the run is paused'), soon)
    const resumed = await sample.daybook('resume', key, '--json', '--by', 'bob')
    expect(JSON.parse(resumed.stdout)).toMatchObject({ action: 'resume', by: 'bob' })
    await handle.result()
    const late = await sample.daybook('pause', key)
    expect(late.stderr).toContain(`${key} has ended (success): only a run that goes on can be pau`)
    expect(late.code).toBe(2)
  })

  test.each([
    ['approve', 'success'],
    ['reject', 'skipped'],
  ] as const)('takes a decision: %s', async (decision, pay) => {
    const date = `2025-12-${decision === 'approve' ? '09' : '10'}`
    const key = `sample_approval/${date}`
    const handle = await sample.start('sample_approval', date)
    const states = () => handle.query<TaskStates>('state')
    await vi.waitUntil(async () => (await states())['sign']?.state === 'running', soon)
    const wrong = await sample.daybook(decision, key, 'pay')
    expect(wrong.stderr).toContain('pay is none: only a waiting approval takes one')
    expect(wrong.code).toBe(2)
    const { stdout } = await sample.daybook(decision, key, 'sign', '--by', 'ada')
    expect(stdout).toMatch(new RegExp(`^${key}: sign ${decision}\\w+ by ada\n$`))
    expect((await handle.result()).tasks).toMatchObject({ sign: 'success', pay })
    expect((await sample.daybook(decision, key, 'sign')).code).toBe(2)
  })

  test('but waits for its turn has nothing yet to intervene in', async () => {
    const [first, second] = [
      await sample.start('sample_single', '2025-12-11'),
      await sample.isHeld('2025-12-11').then(() => sample.start('sample_single', '2025-12-12')),
    ]
    const key = 'sample_single/2025-12-12'
    await vi.waitUntil(async () => (await sample.runsOf(key))[0]?.['state'] === 'queued', soon)
    const { stderr, code } = await sample.daybook('pause', key)
    const why = 'the run waits: max_active_runs of sample_single is 1'
    expect(stderr).toContain(`${key}: ${why}, and none of its tasks has begun`)
    expect(code).toBe(2)
    const dry = await sample.daybook('clear', key, '--task', 'hold', '--dry-run')
    expect(dry.stderr).toContain(`${key}: ${why}`)
    expect((await sample.daybook('why', key, 'hold')).stdout).toBe(`${why}\n`)
    await letGo(first, '2025-12-11')
    await letGo(second, '2025-12-12')
  })

  test('and ends before it is cleared is cleared as one that has ended', async () => {
    const date = '2025-12-13'
    const key = `sample_told/${date}`
    const handle = await sample.start('sample_told', date)
    // Judged, and busy with telling of its failure.
    await sample.isHeld(date)
    const asked: string[] = []
    await liveOrEnded(sample.temporal.client, key, {
      async live(run) {
        asked.push('live')
        const updated = updateRun(run, 'clear', { by: 'ada' })
        await letGo(handle, date).catch(() => undefined)
        return updated
      },
      async ended() {
        asked.push('ended')
        return { answer: undefined }
      },
    })
    expect(asked).toEqual(['live', 'ended'])
    sample.gates.delete(date)
    const cleared = sample.daybook('clear', key)
    await sample.isHeld(date)
    sample.gates.get(date)?.()
    const { code } = await cleared
    expect(code).toBe(1)
    expect(await sample.runsOf(key)).toMatchObject([
      { state: 'failed', is_repair: false },
      { state: 'failed', is_repair: true },
    ])
  })

  test('takes new params for what starts from then on', async () => {
    const date = '2025-12-14'
    const key = `sample_patched/${date}`
    const handle = await sample.start('sample_patched', date, { name: 'ada' })
    await sample.isHeld(date)
    const clear = (...flags: string[]) => sample.daybook('clear', key, ...flags)
    const unfit = await clear('--params', '{"times":9}')
    expect(unfit.stderr).toMatch(/the params do not fit: times: Too big/)
    expect(unfit.code).toBe(2)
    const dry = await clear('--params', '{"times":2}', '--dry-run')
    expect(dry.stdout).toContain('0 tasks would run again')
    expect(dry.stdout).toContain('params: {"name":"ada","times":2}')
    expect((await clear('--params', '{"times":2}', '--by', 'ada')).code).toBe(0)
    await letGo(handle, date)
    expect(await sample.runsOf(key)).toMatchObject([
      {
        params: { name: 'ada', times: 2 },
        outputs: { greet: { text: '2025-12-14 ada2025-12-14 ada' } },
      },
    ])
    const { rows } = await sample.database.db.query(
      `select detail -> 'params' as patch from audit.interventions where run_key = $1`,
      [key],
    )
    expect(rows).toEqual([{ patch: { times: 2 } }])
    const history = await handle.fetchHistory()
    expect(await replay(sampleWorkflowsPath, [{ workflowId: key, history }])).toEqual({})
  })

  test('has only what is running begin anew, or nothing if that would be stopped', async () => {
    const date = '2025-12-15'
    const key = `sample_gate/${date}`
    const handle = await sample.start('sample_gate', date)
    await sample.isHeld(date)
    const prevented = await sample.daybook('clear', key, '--task', 'gate', '--prevent-running-task')
    expect(prevented.stderr).toContain(
      'gate would be stopped, and nothing that is running is to be',
    )
    expect(prevented.code).toBe(2)
    const both = await sample.daybook('clear', key, '--only-running', '--only-failed')
    expect(both.stderr).toMatch(/--only-running.* cannot be used with .*--only-failed/)
    expect(both.code).toBe(2)
    sample.gates.delete(date)
    const cleared = await sample.daybook('clear', key, '--only-running')
    expect(cleared.stdout).toMatch(/^gate +running +it is running$/m)
    await sample.isHeld(date)
    await letGo(handle, date)
    expect(sample.callsOf(date)).toEqual(['gate 1', 'gate 1', 'after_gate 1'])
  })

  test('and takes too long is cleared when it has ended, with its time anew', async () => {
    const date = '2025-12-16'
    const key = `sample_slow/${date}`
    const handle = await sample.start('sample_slow', date)
    const why = () => handle.query<string, [string]>('why', 'slow')
    await vi.waitUntil(async () => (await why()).includes('the run took longer'), soon)
    const asked: string[] = []
    await liveOrEnded(sample.temporal.client, key, {
      async live(run) {
        asked.push('live')
        return updateRun(run, 'clear', { tasks: ['slow'], by: 'ada' })
      },
      async ended() {
        asked.push('ended')
        return { answer: undefined }
      },
    })
    expect(asked.at(-1)).toBe('ended')
    const { stdout, stderr, code } = await sample.daybook('clear', key)
    expect(stdout).toMatch(/^slow +skipped +it did not come to an end$/m)
    expect(stderr).toContain('the run took longer than 0.5 s')
    expect(code).toBe(1)
    expect(await sample.runsOf(key)).toMatchObject([{ is_repair: false }, { is_repair: true }])
  })
})

describe('a run that was terminated', () => {
  test('goes on from what is on record, and runs again whose result is needed', async () => {
    const date = '2025-12-17'
    const key = `sample_cut/${date}`
    const handle = await sample.start('sample_cut', date)
    await sample.isHeld(date)
    await handle.terminate()
    const why = await sample.daybook('why', key, 'gate')
    expect(why.stderr).toContain(
      `${key} does not go on, and has written no end: Temporal says terminated`,
    )
    expect(why.stderr).toContain(`\`daybook clear ${key}\``)
    const dry = await sample.daybook('clear', key, '--dry-run')
    expect(dry.stdout).toContain(`${key}: 3 tasks would run again`)
    expect(dry.stdout).toMatch(
      /^load +success +what it returned is not on record, and sum needs it$/m,
    )
    expect(dry.stdout).toMatch(/^gate +cancelled +it did not come to an end$/m)
    sample.gates.delete(date)
    const cleared = sample.daybook('clear', key)
    await sample.isHeld(date)
    sample.gates.get(date)?.()
    expect((await cleared).code).toBe(0)
    const calls = sample.callsOf(date)
    expect(calls.slice(0, 3).toSorted()).toEqual(['gate 1', 'load 1', 'log 1'])
    expect(calls.slice(3)).toEqual(['load 1', 'gate 1', 'sum 1'])
    expect(await sample.runsOf(key)).toMatchObject([
      { state: 'cancelled' },
      { state: 'success', is_repair: true, outputs: { sum: { rowsIn: 1 } } },
    ])
  })

  test('before any task began has nothing to go on from', async () => {
    const first = await sample.start('sample_single', '2025-12-18')
    await sample.isHeld('2025-12-18')
    const key = 'sample_single/2025-12-19'
    const second = await sample.start('sample_single', '2025-12-19')
    await vi.waitUntil(async () => (await sample.runsOf(key))[0]?.['state'] === 'queued', soon)
    await second.terminate()
    const { stderr, code } = await sample.daybook('clear', key)
    expect(stderr).toContain(`none of the tasks of ${key} has begun`)
    expect(stderr).toContain('daybook run 2025-12-19 --dag sample_single')
    expect(code).toBe(2)
    await letGo(first, '2025-12-18')
  })
})
