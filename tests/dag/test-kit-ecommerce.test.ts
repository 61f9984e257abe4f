import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { describe, expect, test } from 'vitest'
import { after, fails, testRun } from '../../dag/testing/test-run.ts'
import { ecommerceDaily } from '../../workflows/ecommerce-daily.ts'

const minute = 60_000

describe('ecommerce_daily', () => {
  const extracted = { rowsIn: 5, rowsOut: 5 }

  test('a day without a catalogue is booked all the same, in less than 50 ms', async () => {
    const startedMs = performance.now()
    const run = await testRun(ecommerceDaily, {
      date: '2025-12-13',
      fakes: {
        ...{ products_due: null, is_held: [] },
        extract_orders: after('2 minutes', extracted),
      },
      others: 'succeed',
    })
    console.log(`ecommerce_daily in ${(performance.now() - startedMs).toFixed(1)} ms`)
    expect(run).toMatchObject({ state: 'success', elapsedMs: 2 * minute })
    expect(run.tasks).toMatchObject({
      ...{ extract_products: 'skipped', transform_products_to_staging: 'skipped' },
      ...{ dq_checks: 'success', approve_held_day: 'skipped', load_dim_user: 'success' },
      ...{ publish: 'success', notify: 'success' },
    })
    expect(run.inputs['extract_orders']).toEqual({ date: '2025-12-13', source: 'orders' })
    expect(run.order.slice(-4)).toEqual([
      ...['compute_daily_metrics', 'score_anomalies', 'publish', 'notify'],
    ])
  })

  const held = { dq_checks: { held: 1 }, is_held: ['approve_held_day'] }

  test('a held day that nobody decides on fails in time, and nothing of it is loaded', async () => {
    const fakes = { ...held, approve_held_day: after('1 day', 'approve') }
    const run = await testRun(ecommerceDaily, { fakes, others: 'succeed' })
    expect(run).toMatchObject({ state: 'failed', elapsedMs: 450 * minute })
    expect(run.tasks).toMatchObject({
      load_dim_user: 'upstream_failed',
      publish: 'upstream_failed',
    })
    expect(run.why('publish')).toContain('approve_held_day is failed (nothing came within 27000 s')
  })

  test.each([
    ['approve', 'success', 'success'],
    ['reject', 'failed', 'upstream_failed'],
  ])('a held day on which a person says %s is a %s', async (decision, state, publish) => {
    const fakes = { ...held, approve_held_day: after('2 hours', decision) }
    const run = await testRun(ecommerceDaily, { fakes, others: 'succeed' })
    expect(run).toMatchObject({ state, elapsedMs: 120 * minute })
    expect(run.tasks).toMatchObject({ load_fact_orders: publish, publish })
    expect(run.inputs['is_held']).toMatchObject({ held: 1 })
  })

  test('a failed check keeps everything from being published, and is told', async () => {
    const dq_checks = fails('99 orders', { type: 'ChecksFailed', nonRetryable: true })
    const run = await testRun(ecommerceDaily, { fakes: { dq_checks }, others: 'succeed' })
    expect(run.tasks).toMatchObject({ publish: 'upstream_failed', notify: 'upstream_failed' })
    expect(run.inputs['on_failure']).toMatchObject({
      ...{ runKey: 'ecommerce_daily/2025-01-01', failedTasks: ['dq_checks'] },
    })
    expect(run.why('notify')).toContain('dq_checks is failed (ChecksFailed: 99 orders)')
  })
})

test('docs/testing-dags.md shows an example that is run', () => {
  const read = (path: string) => readFileSync(join(import.meta.dirname, path), 'utf8')
  const [, shown] = /```ts\n([^]*?)```/.exec(read('../../docs/testing-dags.md')) ?? []
  expect(shown).toBe(read('test-kit-example.test.ts'))
})
