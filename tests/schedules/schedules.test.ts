import { describe, expect, test } from 'vitest'
import { defineDag } from '../../dag/define-dag.ts'
import { schedules, scheduleOf } from '../../schedules/schedules.ts'
import { dags } from '../../workflows/dags.ts'

const byId = (id: string) => schedules.find((schedule) => schedule.id === id)

describe('the schedules follow from the DAGs', () => {
  test('ecommerce_daily runs at 02:00 UTC, and no tick of it waits for another', () => {
    expect(byId('ecommerce_daily')).toMatchObject({
      ...{ workflowType: 'ecommerce_daily', cron: '0 2 * * *', timeZone: 'UTC' },
      ...{ overlap: 'ALLOW_ALL', catchupWindow: '1 days' },
    })
  })

  test.each(['deliver_mail', 'catch_up'])('%s runs every five minutes', (id) => {
    expect(byId(id)).toMatchObject({ cron: '*/5 * * * *', overlap: 'SKIP', workflowType: id })
  })

  test('a DAG without a schedule has none', () => {
    expect(byId('online_retail_daily')).toBeUndefined()
    expect(dags.map((dag) => dag.id)).toContain('online_retail_daily')
  })

  test('a DAG ticks in its own zone; what is later than a day is left to catch_up', () => {
    const dag = defineDag(
      {
        ...{ id: 'late', startDate: '2025-01-01', catchup: false, maxActiveRuns: 1 },
        schedule: { cron: '15 3 * * *', timeZone: 'Europe/Paris' },
      },
      ({ task, date }) => {
        task('a', { activityName: 'work' }, { date })
      },
    )
    expect(scheduleOf(dag)).toMatchObject([{ timeZone: 'Europe/Paris', catchupWindow: '1 days' }])
  })
})
