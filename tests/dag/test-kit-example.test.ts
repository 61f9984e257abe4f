import { expect, test } from 'vitest'
import { after, fails, testRun } from '../../dag/testing/test-run.ts'
import { ecommerceDaily } from '../../workflows/ecommerce-daily.ts'

test('a day whose events come late is published after they came', async () => {
  const run = await testRun(ecommerceDaily, {
    date: '2025-12-13',
    fakes: {
      products_due: null,
      extract_events: (_, { attempt }) => (attempt < 3 ? fails('no file yet') : { rowsOut: 12 }),
      compute_daily_metrics: after('20 minutes'),
    },
    others: 'succeed',
  })
  expect(run.state).toBe('success')
  expect(run.tasks['extract_products']).toBe('skipped')
  expect(run.attempts['extract_events']).toBe(3)
  expect(run.inputs['publish']).toMatchObject({ date: '2025-12-13', shopId: 'main' })
  expect(run.elapsedMs).toBe((5 + 5 + 20) * 60_000)
})

test('a failed check keeps the day from being published', async () => {
  const dq_checks = fails('99 orders', { type: 'ChecksFailed', nonRetryable: true })
  const run = await testRun(ecommerceDaily, { fakes: { dq_checks }, others: 'succeed' })
  expect(run.state).toBe('failed')
  expect(run.why('publish')).toMatch(/because dq_checks is failed \(ChecksFailed: 99 orders\)$/)
  const repaired = await testRun(ecommerceDaily, { others: 'succeed', repairs: { run } })
  expect(repaired.state).toBe('success')
  expect(repaired.order[0]).toBe('dq_checks')
})
