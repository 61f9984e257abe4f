import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { checkDags } from '../../dag/check-dags.ts'
import type { DatasetCondition } from '../../dag/datasets.ts'
import {
  all,
  any,
  conditionInWords,
  dataset,
  daysFor,
  missingFor,
  monthOf,
  runDatesOf,
  weekOf,
} from '../../dag/datasets.ts'
import type { DagOptions } from '../../dag/builder.ts'
import type { Dag } from '../../dag/define-dag.ts'
import { describeTask } from '../../dag/describe-task.ts'
import { defineDag } from '../../dag/define-dag.ts'
import { testRun } from '../../dag/testing/test-run.ts'

const orders = dataset('orders')
const events = dataset('events')
const products = dataset('products')
const work = { activityName: 'work' }

const options = {
  ...{ schedule: null, startDate: '2025-01-01', catchup: false, maxActiveRuns: 1 },
} as const

/** What is missing for a date where these days are there. */
function lack(condition: DatasetCondition, date: string, days: string[], timeZone = 'UTC') {
  return missingFor(condition, {
    ...{ date, timeZone },
    has: (name, day) => days.includes(`${name} ${day}`),
  })
}

describe('a condition over datasets', () => {
  const condition = all(orders, any(events, products))
  const day = '2025-12-01'

  test.each([
    [[], `orders of ${day} and (events of ${day} or products of ${day})`],
    [[`orders ${day}`], `(events of ${day} or products of ${day})`],
    [[`orders ${day}`, 'events 2025-12-02'], `(events of ${day} or products of ${day})`],
    [[`events ${day}`], `orders of ${day}`],
    [[`orders ${day}`, `products ${day}`], undefined],
  ])('with %j it lacks %j', (days, missing) => {
    expect(lack(condition, day, days)).toBe(missing)
  })

  test('is read as it is written', () => {
    expect(conditionInWords(all(orders, any(weekOf(events, -2), monthOf(products))))).toBe(
      'all(orders, any(weekOf(events, -2), monthOf(products)))',
    )
  })
})

describe('days rolled up', () => {
  const week = Array.from({ length: 7 }, (_, day) => `orders 2025-12-0${day + 1}`)

  test('an event asks for the run of the last day of its week, month, or of its own day', () => {
    const event = { dataset: 'orders', date: '2025-12-03' }
    expect(runDatesOf(weekOf(orders), event)).toEqual(['2025-12-07'])
    expect(runDatesOf(monthOf(orders), event)).toEqual(['2025-12-31'])
    expect(runDatesOf(any(orders, weekOf(orders)), event)).toEqual(['2025-12-03', '2025-12-07'])
    expect(runDatesOf(weekOf(events), event)).toEqual([])
    expect(runDatesOf(monthOf(orders), { ...event, date: '2024-02-01' })).toEqual(['2024-02-29'])
  })

  test('its run reads the days of the window', () => {
    expect(daysFor(weekOf(orders), '2025-12-07')).toEqual([
      { dataset: 'orders', from: '2025-12-01', to: '2025-12-07' },
    ])
    expect(daysFor(weekOf(orders), '2025-12-06')).toEqual([])
  })

  test('all days are waited for, at least so many, or at most so many missing', () => {
    expect(lack(weekOf(orders), '2025-12-07', week)).toBeUndefined()
    expect(lack(weekOf(orders), '2025-12-07', week.slice(0, 5))).toBe(
      'orders of the week: 5 of 7 days, without 2025-12-06, 2025-12-07',
    )
    expect(lack(weekOf(orders, 5), '2025-12-07', week.slice(0, 5))).toBeUndefined()
    expect(lack(weekOf(orders, 5), '2025-12-07', week.slice(0, 4))).toContain('4 of 5 days')
    expect(lack(weekOf(orders, -2), '2025-12-07', week.slice(0, 5))).toBeUndefined()
    expect(lack(weekOf(orders, -2), '2025-12-07', week.slice(0, 4))).toContain('4 of 5 days')
    expect(lack(weekOf(orders), '2025-12-06', week)).toContain('is not its last day')
  })

  test('a day that the calendar of the zone left out is not waited for', () => {
    const days = ['26', '27', '28', '29', '31'].map((day) => `orders 2011-12-${day}`)
    const all = [...days, 'orders 2012-01-01']
    expect(lack(weekOf(orders), '2012-01-01', all, 'Pacific/Apia')).toBeUndefined()
    expect(lack(weekOf(orders), '2012-01-01', all)).toContain('without 2011-12-30')
  })
})

describe('is refused when the DAG is built:', () => {
  const built = (datasets: DatasetCondition, changes: Partial<DagOptions<unknown>> = {}) => {
    const schedule = { datasets }
    defineDag({ id: 'consumer', ...options, schedule, ...changes }, ({ task, date }) => {
      task('a', work, { date })
    })
  }

  test.each([
    [weekOf(orders, 0), 'the minimum is 0; write 1 to 7 for so many days, or -1 to -6'],
    [weekOf(orders, 1.5), 'the minimum is 1.5; write 1 to 7'],
    [weekOf(orders, 8), 'the minimum is 8, which cannot be reached: a week may have 7 days'],
    [monthOf(orders, 29), 'the minimum is 29, which cannot be reached: a month may have 28 days'],
    [all(orders, weekOf(events, -7)), 'the minimum is -7, which asks for no day at all'],
    [any(), 'datasets: any() names none, and would never be complete'],
    [dataset('My orders'), '"My orders" is no name of a dataset; write it like orders'],
  ])('%j', (condition, problem) => {
    expect(() => built(condition)).toThrow(problem)
  })

  test('params that nobody gives, and a zone that there is not', () => {
    const params = z.object({ name: z.string() })
    expect(() => built(orders, { params })).toThrow(
      'datasets start it without params: the params do not fit: name: Invalid input',
    )
    const schedule = { datasets: orders, timeZone: 'Mars/Base' }
    expect(() => built(orders, { schedule })).toThrow('"Mars/Base" is no time zone')
  })

  test('an outlet with a bad name', () => {
    const wrong = () =>
      defineDag({ id: 'producer', ...options }, ({ task, date }) => {
        task('a', work, { date }, { outlets: [dataset('A')] })
      })
    expect(wrong).toThrow('task a: "A" is no name of a dataset')
  })
})

describe('DAGs together', () => {
  const consumer = (id: string, waitsFor: DatasetCondition, writes?: string): Dag =>
    defineDag({ id, ...options, schedule: { datasets: waitsFor } }, ({ task, date }) => {
      task('a', work, { date }, writes === undefined ? {} : { outlets: [dataset(writes)] })
    })
  const caller = (id: string, other: Dag, writes?: string): Dag =>
    defineDag({ id, ...options }, ({ runDag }) => {
      runDag('call', other, writes === undefined ? {} : { outlets: [dataset(writes)] })
    })

  test('are handed back when they fit', () => {
    const report = consumer('report', orders)
    const dags = [report, caller('main', report)]
    expect(checkDags(dags)).toBe(dags)
  })

  test('a DAG that runs itself, or starts itself over others, is refused with the way', () => {
    const first = consumer('first', orders)
    expect(() => checkDags([caller('first', first)])).toThrow('first -> first')
    const second = caller('second', first)
    expect(() => checkDags([caller('first', second), second])).toThrow('first -> second -> first')
    const writer = consumer('writer', any(orders, products), 'events')
    const reader = consumer('reader', weekOf(events), 'products')
    expect(() => checkDags([writer, reader])).toThrow('writer -> reader -> writer')
    const report = consumer('report', orders)
    expect(() => checkDags([report, caller('main', report, 'orders')])).not.toThrow()
  })

  test('a run of a DAG that takes no such runs is refused', () => {
    const other = defineDag(
      { id: 'other', ...options, allowedRunTypes: ['scheduled', 'manual'] },
      ({ task, date }) => {
        task('a', work, { date })
      },
    )
    expect(() => checkDags([caller('main', other), other])).toThrow(
      'main runs other, but other takes no operator_triggered runs: its allowedRunTypes are scheduled, manual',
    )
  })

  test('a run of a DAG that is not listed is refused', () => {
    const other = consumer('other', orders)
    expect(() => checkDags([caller('main', other)])).toThrow(
      'main runs other, which is not in the list of DAGs; add it there',
    )
  })
})

test('params of another DAG are checked by the compiler', () => {
  const params = z.object({ name: z.string(), times: z.int().default(1) })
  const other = defineDag({ id: 'other', ...options, params }, ({ task, date }) => {
    task('a', work, { date })
  })
  const dag = defineDag({ id: 'main', ...options }, ({ runDag, date }) => {
    runDag('good', other, { params: { name: date } })
    // @ts-expect-error -- a name is a text
    runDag('bad', other, { params: { name: 1 } })
  })
  expect(dag.graph.tasks.map(describeTask)).toEqual([['runs other'], ['runs other']])
  expect(dag.graph.tasks[0]).toMatchObject({
    ...{ id: 'good', kind: 'dag_run', otherRun: { dagId: 'other', ifDone: 'run_again' } },
  })
})

test('the test kit runs a DAG with a run of another and with dataset events', async () => {
  const other = defineDag({ id: 'other', ...options }, ({ task, date }) => {
    task('a', work, { date })
  })
  const schedule = { datasets: orders }
  const dag = defineDag({ id: 'main', ...options, schedule }, ({ runDag, task, date, events }) => {
    const call = runDag('call', other)
    task('b', { activityName: 'work' }, { date, events, summary: call.output.summary })
  })
  const fakes = { call: { runKey: 'other/2025-01-01', summary: 'success' }, b: null }
  const run = await testRun(dag, { fakes })
  expect(run.tasks).toEqual({ call: 'success', b: 'success' })
  expect(run.inputs['b']).toEqual({ date: '2025-01-01', events: [], summary: 'success' })
})
