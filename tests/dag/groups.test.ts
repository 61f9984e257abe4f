import { describe, expect, expectTypeOf, test } from 'vitest'
import { activityRefs, defineDag } from '../../dag/define-dag.ts'
import { renderMermaid } from '../../dag/render-mermaid.ts'
import { renderTextGraph } from '../../dag/render-text-graph.ts'
import { testRun } from '../../dag/testing/test-run.ts'

interface Activities {
  load(input: { date: string }): Promise<{ rows: number }>
  sum(input: { rows: number }): Promise<void>
  choose(input: { date: string }): Promise<'shop.left' | 'shop.right'>
}
const act = activityRefs<Activities>()
const daily = { schedule: null, startDate: '2025-01-01', catchup: false, maxActiveRuns: 1 } as const

const shop = defineDag({ id: 'shop', ...daily }, ({ task, group, date }) => {
  const before = task('before', act.load, { date })
  const orders = group(
    'orders',
    ({ task, group }) => {
      const raw = task('raw', act.load, { date })
      const clean = group(
        'clean',
        ({ task }) => {
          task('lines', act.load, { date })
          task('returns', act.load, { date })
        },
        { after: [raw] },
      )
      return { all: task('all', act.load, { date }, { after: [clean] }), raw }
    },
    { after: [before] },
  )
  expectTypeOf(orders.made.raw.id).toEqualTypeOf<'orders.raw'>()
  task('sum', act.sum, { rows: orders.made.raw.output.rows }, { after: [orders] })
})
const upstreamOf = (dag: typeof shop) =>
  Object.fromEntries(dag.graph.tasks.map(({ id, upstream }) => [id, upstream]))

describe('a group of tasks', () => {
  test('prefixes ids; what comes before it is before its roots, what comes after behind its leaves', () => {
    expect(upstreamOf(shop)).toEqual({
      ...{ before: [], 'orders.raw': ['before'] },
      'orders.clean.lines': ['orders.raw'],
      'orders.clean.returns': ['orders.raw'],
      'orders.all': ['orders.clean.lines', 'orders.clean.returns'],
      sum: ['orders.raw', 'orders.all'],
    })
  })

  test('runs as its tasks do', async () => {
    const run = await testRun(shop, { fakes: { 'orders.raw': { rows: 3 } }, others: 'succeed' })
    expect(run.order.toSpliced(2, 2)).toEqual(['before', 'orders.raw', 'orders.all', 'sum'])
    expect(run.inputs['sum']).toEqual({ rows: 3 })
  })

  test('has leaves that no teardown hides', () => {
    const dag = defineDag({ id: 'shop', ...daily }, ({ task, group, date }) => {
      const scratch = group('scratch', ({ setup, task, teardown }) => {
        const create = setup('create', act.load, { date })
        const work = task('work', act.load, { date }, { after: [create] })
        teardown('drop', act.load, { date }, { setups: [create], after: [work] })
      })
      task('next', act.load, { date }, { after: [scratch] })
    })
    expect(upstreamOf(dag)['next']).toEqual(['scratch.work'])
    expect(upstreamOf(dag)['scratch.drop']).toEqual(['scratch.work', 'scratch.create'])
  })

  test('a branch names the tasks of a group by their whole ids', async () => {
    const dag = defineDag({ id: 'shop', ...daily }, ({ group, date }) => {
      group('shop', ({ branch, task }) => {
        const choice = branch('which', act.choose, { date }, ['shop.left', 'shop.right'])
        task('left', act.load, { date }, { after: [choice] })
        task('right', act.load, { date }, { after: [choice] })
        // @ts-expect-error it is not among the choices
        const other = () => task('other', act.load, { date }, { after: [choice] })
        expectTypeOf(other).toBeFunction()
        // @ts-expect-error a group cannot come right after a branch, which names its choices
        const inner = () => group('inner', () => undefined, { after: [choice] })
        expectTypeOf(inner).toBeFunction()
      })
    })
    const run = await testRun(dag, { fakes: { 'shop.which': 'shop.left' }, others: 'succeed' })
    expect(run.tasks).toMatchObject({ 'shop.left': 'success', 'shop.right': 'skipped' })
  })

  test.each([
    [
      /The id "orders.raw" has a dot; for a task in a group write group\('orders'/,
      () =>
        defineDag({ id: 'shop', ...daily }, ({ task, date }) => {
          task('orders.raw', act.load, { date })
        }),
    ],
    [
      /The group orders has no tasks/,
      () =>
        defineDag({ id: 'shop', ...daily }, ({ group }) => {
          group('orders', () => undefined)
        }),
    ],
    [
      /task orders.raw: its group orders is a task/,
      () =>
        defineDag({ id: 'shop', ...daily }, ({ task, group, date }) => {
          task('orders', act.load, { date })
          group('orders', ({ task }) => task('raw', act.load, { date }))
        }),
    ],
    [
      /task Orders.raw: the id is not snake_case/,
      () =>
        defineDag({ id: 'shop', ...daily }, ({ group, date }) => {
          group('Orders', ({ task }) => task('raw', act.load, { date }))
        }),
    ],
  ])('a mistake is named: %s', (words, define) => {
    expect(define).toThrow(words)
  })
})

test('a group is a subgraph of the Mermaid picture', () => {
  expect(renderMermaid(shop.graph).split('\n').slice(0, 12)).toEqual([
    'flowchart LR',
    '  t_before["before"]',
    '  subgraph g_orders["orders"]',
    '    t_orders-raw["orders.raw"]',
    '    subgraph g_orders-clean["orders.clean"]',
    '      t_orders-clean-lines["orders.clean.lines"]',
    '      t_orders-clean-returns["orders.clean.returns"]',
    '    end',
    '    t_orders-all["orders.all"]',
    '  end',
    '  t_sum["sum"]',
    '  t_before --> t_orders-raw',
  ])
})

test('its tasks have their whole ids in the text graph', () => {
  expect(renderTextGraph(shop.graph, { width: 100 })).toContain(
    'orders.all            ← orders.clean.lines, orders.clean.returns',
  )
})
