import { describe, expect, test } from 'vitest'
import { activityRefs, defineDag } from '../../dag/define-dag.ts'
import { indexesInWords, readChoice, readIndexes } from '../../dag/instances.ts'
import { planClear, ClearSelection } from '../../dag/plan-clear.ts'
import { after, fails, skips, testRun } from '../../dag/testing/test-run.ts'

interface Activities {
  list(input: { date: string }): Promise<{ file: string }[]>
  shops(input: { date: string }): Promise<string[]>
  load(input: { file: string }): Promise<string>
  pair(input: { shop: string; file: string }): Promise<void>
  sum(input: { loads: (string | null)[] }): Promise<void>
}
const act = activityRefs<Activities>()
const daily = { schedule: null, catchup: false, maxActiveRuns: 1 } as const

const files = defineDag({ id: 'files', ...daily }, ({ task, map, date }) => {
  const listed = task('list', act.list, { date })
  const loads = map('load', act.load, listed.output, ({ file }) => ({ file }), {
    rule: 'none_failed',
  })
  task('sum', act.sum, { loads: loads.output })
})
const listOf = (names: string) => [...names].map((file) => ({ file }))

/** Notes what it was asked for; fails of some. */
function loader(broken = '') {
  const asked: string[] = []
  const load = ({ file }: { file: string }) => {
    asked.push(file)
    if (broken.includes(file)) throw new Error(`${file} is torn`)
    return file.toUpperCase()
  }
  return { asked, load }
}

describe('AT-G1 over several lists', () => {
  const crossed = defineDag({ id: 'crossed', ...daily }, ({ task, map, date }) => {
    const shops = task('shops', act.shops, { date })
    const listed = task('list', act.list, { date })
    const over = { shop: shops.output, item: listed.output }
    map('pair', act.pair, over, ({ shop, item }) => ({ shop, file: item.file }), {
      name: ({ shop, item }) => [shop, item.file],
    })
    // @ts-expect-error a shop is a text
    map('wrong', act.pair, over, ({ shop, item }) => ({ shop: item, file: shop }))
  })

  test('there is an instance for each combination; the last list varies fastest', async () => {
    const shops = ['north', 'south']
    const run = await testRun(crossed, {
      fakes: { shops, list: listOf('ab') },
      others: 'succeed',
    })
    expect(run.inputs['pair']).toEqual([
      { shop: 'north', file: 'a' },
      { shop: 'north', file: 'b' },
      { shop: 'south', file: 'a' },
      { shop: 'south', file: 'b' },
    ])
  })

  test('one that is empty skips the task, one that is missing is upstream_failed', async () => {
    const empty = await testRun(crossed, {
      fakes: { shops: [], list: listOf('ab') },
      others: 'succeed',
    })
    expect(empty.tasks['pair']).toBe('skipped')
    const missing = await testRun(crossed, {
      fakes: { shops: null, list: listOf('ab') },
      others: 'succeed',
    })
    expect(missing.why('pair')).toBe(
      'pair is upstream_failed (the list shop that it is mapped over is missing: shops gave none)',
    )
  })
})

describe('AT-G2 over a list that is missing', () => {
  test.each([
    ['its producer was skipped', skips('closed'), 'list is skipped (closed)'],
    ['its producer gave nothing', null, ''],
  ])('the task is upstream_failed, with the reason: %s', async (_, list, because) => {
    const run = await testRun(files, { fakes: { list }, others: 'succeed' })
    expect(run.tasks).toMatchObject({ load: 'upstream_failed', sum: 'upstream_failed' })
    expect(run.reasons['load']).toBe('the list that it is mapped over is missing: list gave none')
    expect(run.why('load')).toContain(because)
    expect(run.state).toBe('failed')
  })
})

describe('AT-G4 a producer that runs again alone', () => {
  const rerun = async (names: string, chosen = 'load[1]') => {
    const first = loader('b')
    const run = await testRun(files, {
      fakes: { list: listOf('abc'), load: first.load },
      others: 'succeed',
    })
    const { asked, load } = loader()
    const clear = { tasks: ['list', chosen], downstream: false }
    const again = await testRun(files, {
      ...{ fakes: { list: listOf(names), load }, others: 'succeed' },
      repairs: { run, clear },
    })
    return { asked, outputs: again.outputs['load'], state: again.tasks['load'] }
  }

  test('and returns a longer list: what is new runs', async () => {
    const outputs = ['A', 'B', 'C', 'D', 'E']
    expect(await rerun('abcde')).toEqual({ asked: ['b', 'd', 'e'], outputs, state: 'success' })
  })

  test('and returns a shorter list: the surplus is dropped', async () => {
    expect(await rerun('a')).toEqual({ asked: [], outputs: ['A'], state: 'success' })
  })

  test('an empty choice of instances runs what is new or has changed, and nothing else', async () => {
    expect(await rerun('aXcd', 'load[]')).toEqual({
      ...{ asked: ['X', 'd'], outputs: ['A', 'X', 'C', 'D'], state: 'success' },
    })
  })

  test('and returns another item: that one runs', async () => {
    expect(await rerun('abX')).toEqual({
      ...{ asked: ['b', 'X'], outputs: ['A', 'B', 'X'], state: 'success' },
    })
  })
})

describe('AT-G5, AT-X1 a clear of single instances', () => {
  const failedRun = () =>
    testRun(files, { fakes: { list: listOf('abcde'), load: loader('bd').load }, others: 'succeed' })

  test.each([
    ['what failed', {}, ['b', 'd'], 'success'],
    ['one of two that failed', { tasks: ['load[1]'] }, ['b'], 'failed'],
    ['several', { tasks: ['load[0,3]', 'load[1]'] }, ['a', 'b', 'd'], 'success'],
    ['a range', { tasks: ['load[1-3]'] }, ['b', 'c', 'd'], 'success'],
    ['the whole task', { tasks: ['load', 'load[1]'] }, ['a', 'b', 'c', 'd', 'e'], 'success'],
    ['what comes after another', { tasks: ['list', 'load[1]'] }, [...'abcde'], 'success'],
    ['only failed of the task', { tasks: ['load'], onlyFailed: true }, ['b', 'd'], 'success'],
  ])('in an ended run: %s', async (_, clear, expected, state) => {
    const run = await failedRun()
    const { asked, load } = loader()
    const again = await testRun(files, {
      ...{ fakes: { list: listOf('abcde'), load }, others: 'succeed' },
      repairs: { run, clear },
    })
    expect(asked).toEqual(expected)
    expect(again.tasks['load']).toBe(state)
    if (state === 'success') {
      expect(again.inputs['sum']).toEqual({ loads: ['A', 'B', 'C', 'D', 'E'] })
    } else {
      expect(again.reasons['load']).toBe('1 of 5 instances failed: [3] d is torn')
    }
  })

  test('in a run that goes on', async () => {
    const watched = defineDag({ id: 'watched', ...daily }, ({ task, map, date }) => {
      const listed = task('list', act.list, { date })
      map('load', act.load, listed.output, ({ file }) => ({ file }))
      task('shops', act.shops, { date })
    })
    const { asked, load } = loader()
    const run = await testRun(watched, {
      fakes: { list: listOf('abc'), load, shops: after('1 hour', []) },
      meanwhile: [{ at: '10 minutes', clear: { tasks: ['load[2]'] } }],
    })
    expect(asked).toEqual(['a', 'b', 'c', 'c'])
    expect(run.outputs['load']).toEqual(['A', 'B', 'C'])
  })

  test('lets what was skipped stay skipped, and counts it', async () => {
    const load = ({ file }: { file: string }, { cleared }: { cleared: number }) => {
      if (file === 'a') return skips('nothing in it')
      return file === 'b' && cleared === 0 ? fails('torn') : file
    }
    const fakes = { list: listOf('abc'), load }
    const run = await testRun(files, { fakes, others: 'succeed' })
    const again = await testRun(files, {
      ...{ fakes: { ...fakes, load: 'again' }, others: 'succeed' },
      repairs: { run },
    })
    const instances = { success: 2, failed: 0, skipped: 1, unfinished: 0 }
    expect(again.states['load']).toMatchObject({ state: 'success', instances })
    expect(again.outputs['load']).toEqual([null, 'again', 'c'])
  })

  test('a plan names them, and what makes no sense is refused', async () => {
    const { graph, states } = await failedRun()
    const plan = (tasks: string[], from = states) =>
      planClear(graph, from, ClearSelection.parse({ tasks, downstream: false }))
    const load = { taskId: 'load', state: 'failed', why: 'chosen' }
    expect(plan(['load[1,3]'])).toEqual({ tasks: [{ ...load, instances: '1,3' }] })
    expect(plan(['load[1]', 'load'])).toEqual({ tasks: [load] })
    const failedOnly = { tasks: ['load[0]'], downstream: false, onlyFailed: true }
    expect(planClear(graph, states, ClearSelection.parse(failedOnly))).toEqual({
      problem: 'there is nothing to clear',
    })
    expect(plan(['load[5]'])).toEqual({ problem: 'load has no instance 5; it has 0-4' })
    expect(plan(['list[0]'])).toEqual({ problem: 'list is not mapped, so it has no instance 0' })
    expect(plan(['load[x]'])).toMatchObject({ problem: expect.stringContaining('no task load[x]') })
    const { ends: _, ...unknown } = states['load'] ?? { state: 'failed', reason: '' }
    expect(plan(['load[1]'], { ...states, load: unknown })).toMatchObject({
      tasks: [{ why: expect.stringContaining('all instances, since what they returned') }],
    })
  })
})

test('indexes are written short, and read back', () => {
  expect(indexesInWords([7, 2, 0, 1])).toBe('0-2,7')
  expect(readIndexes('0-2,7')).toEqual([0, 1, 2, 7])
  expect(readIndexes('')).toEqual([])
  expect(readChoice('orders.load[3,1-2]')).toEqual({ taskId: 'orders.load', indexes: '1-3' })
  expect(readChoice('load[]')).toEqual({ taskId: 'load', indexes: '' })
  expect(readChoice('load[5-2]')).toEqual({ taskId: 'load[5-2]' })
  expect(readChoice('load[1,]')).toEqual({ taskId: 'load[1,]' })
  expect(readChoice('load')).toEqual({ taskId: 'load' })
})
