import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TaskSpan } from '../../dag/critical-path.ts'
import { criticalPath, expectFinish, medianDurationsMs } from '../../dag/critical-path.ts'
import { graphOf } from './graph-of.ts'

const spansOf = (spans: Record<string, [start: number, end: number | null]>) =>
  new Map<string, TaskSpan>(
    Object.entries(spans).map(([id, [startMs, endMs]]) => [id, { startMs, endMs }]),
  )

const diamond = graphOf({ first: [], quick: ['first'], slow: ['first'], last: ['quick', 'slow'] })

describe('the critical path', () => {
  test('goes through the upstream task whose end let the next one start', () => {
    const spans = spansOf({ first: [5, 10], quick: [10, 20], slow: [12, 70], last: [75, 80] })
    expect(criticalPath(diamond, spans, { startMs: 0, nowMs: 80 })).toEqual([
      { taskId: 'first', waitedMs: 5, ranMs: 5 },
      { taskId: 'slow', waitedMs: 2, ranMs: 58 },
      { taskId: 'last', waitedMs: 5, ranMs: 5 },
    ])
  })

  test('goes through skipped tasks, which have no span, to what is before them', () => {
    const spans = spansOf({ first: [0, 10], last: [10, 30] })
    const path = criticalPath(diamond, spans, { startMs: 0, nowMs: 30 })
    expect(path.map(({ taskId }) => taskId)).toEqual(['first', 'last'])
  })

  test('leaves out what ended after a task had started, as under one_success', () => {
    const graph = graphOf({ early: [], late: [], last: ['early', 'late'] })
    const spans = spansOf({ early: [0, 10], late: [0, 50], last: [10, 60] })
    const path = criticalPath(graph, spans, { startMs: 0, nowMs: 60 })
    expect(path.map(({ taskId }) => taskId)).toEqual(['early', 'last'])
  })

  test('of a run that goes on ends with a running task, and of one without tasks is empty', () => {
    const spans = spansOf({ first: [0, 10], quick: [10, 12], slow: [10, null] })
    const path = criticalPath(diamond, spans, { startMs: 0, nowMs: 40 })
    expect(path.at(-1)).toEqual({ taskId: 'slow', waitedMs: 0, ranMs: 30 })
    expect(criticalPath(diamond, new Map(), { startMs: 0, nowMs: 40 })).toEqual([])
  })

  test('of a task whose end is not known it is not said how long it ran', () => {
    const spans = new Map([
      ['first', { startMs: 0, endMs: 0, isEndKnown: false }],
      ['slow', { startMs: 10, endMs: 40 }],
    ])
    expect(criticalPath(diamond, spans, { startMs: 0, nowMs: 40 })).toEqual([
      { taskId: 'first', waitedMs: 0, ranMs: null },
      { taskId: 'slow', waitedMs: 10, ranMs: 30 },
    ])
  })

  test('goes through a set-up that a task waits for without naming it', () => {
    const graph = graphOf(
      { set_up: [], inside: ['set_up'], other: [], last: ['inside', 'other'] },
      { set_up: { isSetup: true }, last: { rule: 'one_success' } },
    )
    const spans = spansOf({ set_up: [0, 20], inside: [20, 90], other: [0, 5], last: [20, 95] })
    const path = criticalPath(graph, spans, { startMs: 0, nowMs: 95 })
    expect(path.map(({ taskId }) => taskId)).toEqual(['set_up', 'last'])
  })

  test('its times and waits add up to the whole run, whatever the run', () => {
    const upstream = fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 4 }), {
      minLength: 1,
      maxLength: 30,
    })
    const times = fc.array(fc.tuple(fc.nat({ max: 50 }), fc.nat({ max: 50 })), { minLength: 30 })
    fc.assert(
      fc.property(upstream, times, (edges, delays) => {
        const ids = edges.map((_, index) => `t${index}`)
        const graph = graphOf(
          Object.fromEntries(
            edges.map((from, index) => [
              `t${index}`,
              [...new Set(from.filter((one) => one < index))].map((one) => `t${one}`),
            ]),
          ),
        )
        const spans = new Map<string, { startMs: number; endMs: number }>()
        for (const [index, task] of graph.tasks.entries()) {
          const [waited, ran] = delays[index] ?? [0, 0]
          const ready = Math.max(0, ...task.upstream.map((id) => spans.get(id)?.endMs ?? 0))
          spans.set(task.id, { startMs: ready + waited, endMs: ready + waited + ran })
        }
        const end = Math.max(...ids.map((id) => spans.get(id)?.endMs ?? 0))
        const path = criticalPath(graph, spans, { startMs: 0, nowMs: end })
        expect(path.reduce((sum, step) => sum + step.waitedMs + (step.ranMs ?? 0), 0)).toBe(end)
      }),
    )
  })
})

describe('the expected finish', () => {
  const usual = new Map(Object.entries({ first: 10, quick: 5, slow: 60, last: 5 }))

  test('is when the slowest chain of what is left has taken its usual time', () => {
    const spans = spansOf({ first: [0, 10], quick: [10, 15], slow: [10, null] })
    expect(expectFinish(diamond, spans, usual, 30)).toEqual({
      finishMs: 75,
      path: ['slow', 'last'],
    })
  })

  test('a task that takes longer than usual may end now, not in the past', () => {
    const spans = spansOf({ first: [0, 10], quick: [10, 15], slow: [10, null] })
    expect(expectFinish(diamond, spans, usual, 500).finishMs).toBe(505)
  })

  test('of a run without any attempt is the usual time of all its chain from now', () => {
    expect(expectFinish(diamond, new Map(), usual, 100)).toEqual({
      finishMs: 175,
      path: ['first', 'slow', 'last'],
    })
  })

  test('medians: of an even count the middle of two; a run without the task counts as nothing', () => {
    const run = (tasks: Record<string, number>) => new Map(Object.entries(tasks))
    const past = [run({ a: 1, weekly: 9 }), run({ a: 3 }), run({ a: 100 }), run({ a: 5 })]
    expect(medianDurationsMs(past)).toEqual(run({ a: 4, weekly: 0 }))
    expect(medianDurationsMs([])).toEqual(new Map())
  })

  test('medians: a run in which the task took nobody knows how long does not count', () => {
    const past = [1, null, 5, null].map((ms) => new Map([['a', ms]]))
    expect(medianDurationsMs(past)).toEqual(new Map([['a', 3]]))
    expect(medianDurationsMs([new Map([['a', null]])])).toEqual(new Map([['a', 0]]))
  })
})
