import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TaskStates } from '../../dag/task-state.ts'
import { liveOrEnded, updateRun } from '../../schedules/intervene.ts'
import type { RunHandle } from '../../schedules/start-run.ts'
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
    expect(latest.stderr).toContain('goes on, with the tasks and the params that it began with')
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
    expect(stderr).toContain(`${key} is queued: none of its tasks has begun`)
    expect(code).toBe(2)
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

  test('and was terminated cannot be gone on from', async () => {
    const date = '2025-12-14'
    const handle = await sample.start('sample_gate', date)
    await sample.isHeld(date)
    await handle.terminate()
    const { stderr, code } = await sample.daybook('clear', `sample_gate/${date}`)
    expect(stderr).toContain('never came to its end')
    expect(stderr).toContain(`daybook run ${date} --dag sample_gate`)
    expect(code).toBe(2)
  })
})
