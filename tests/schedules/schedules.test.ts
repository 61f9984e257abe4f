import { describe, expect, test } from 'vitest'
import { dataset } from '../../dag/datasets.ts'
import { defineDag } from '../../dag/define-dag.ts'
import { schedules, scheduleOf, schedulesOf } from '../../schedules/schedules.ts'
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

  test('where datasets start a DAG, what waits is looked at every minute', () => {
    const schedule = { datasets: dataset('orders'), timeZone: 'Europe/Paris' }
    const options = { startDate: '2025-01-01', catchup: false, maxActiveRuns: 1 } as const
    const dag = defineDag({ id: 'report', ...options, schedule }, ({ task, date }) => {
      task('a', { activityName: 'work' }, { date })
    })
    expect(dag.timeZone).toBe('Europe/Paris')
    expect(schedulesOf([dag]).map(({ id, cron }) => `${id} ${cron}`)).toEqual([
      'start_consumers * * * * *',
      'deliver_mail */5 * * * *',
      'catch_up */5 * * * *',
    ])
    const either = { cron: '0 5 * * *', timeZone: 'UTC', datasets: dataset('orders') }
    const both = defineDag({ id: 'either', ...options, schedule: either }, ({ task, date }) => {
      task('a', { activityName: 'work' }, { date })
    })
    expect(both.datasets).toEqual(either.datasets)
    expect(schedulesOf([both]).map(({ id }) => id)).toContain('either')
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
