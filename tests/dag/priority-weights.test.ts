import { expect, test } from 'vitest'
import { effectivePriorities, weightRules } from '../../dag/priority-weights.ts'

const task = (id: string, upstream: string[] = [], priority = 1) => ({ id, upstream, priority })
const weights = (...[tasks, rule]: Parameters<typeof effectivePriorities>) =>
  Object.fromEntries(effectivePriorities(tasks, rule))

const diamond = [task('a'), task('b', ['a']), task('c', ['a']), task('d', ['b', 'c'])]

test('in a diamond, what two ways lead to counts once', () => {
  expect(weights(diamond, 'downstream')).toEqual({ a: 4, b: 2, c: 2, d: 1 })
  expect(weights(diamond, 'upstream')).toEqual({ a: 1, b: 2, c: 2, d: 4 })
  expect(weights(diamond, 'absolute')).toEqual({ a: 1, b: 1, c: 1, d: 1 })
})

test('own priorities add up over every distance, negative ones too', () => {
  const chain = [task('a', [], 10), task('b', ['a'], -3), task('c', ['b'], 5), task('alone', [], 7)]
  expect(weights(chain, 'downstream')).toEqual({ a: 12, b: 2, c: 5, alone: 7 })
  expect(weights(chain, 'upstream')).toEqual({ a: 10, b: 7, c: 12, alone: 7 })
  expect(weights(chain, 'absolute')).toEqual({ a: 10, b: -3, c: 5, alone: 7 })
})

test('a way past a task counts it no second time', () => {
  const shortcut = [task('a'), task('b', ['a']), task('c', ['a', 'b'])]
  expect(weights(shortcut, 'downstream')).toEqual({ a: 3, b: 2, c: 1 })
  expect(weights(shortcut, 'upstream')).toEqual({ a: 1, b: 2, c: 3 })
})

test.each(weightRules)('the order in which tasks are listed does not matter under %s', (rule) => {
  expect(weights(diamond.toReversed(), rule)).toEqual(weights(diamond, rule))
})

test('a chain of 1,000 tasks is weighed', () => {
  const chain = Array.from({ length: 1_000 }, (_, at) =>
    task(`t${at}`, at === 0 ? [] : [`t${at - 1}`]),
  )
  const found = effectivePriorities(chain, 'downstream')
  expect([found.get('t0'), found.get('t999')]).toEqual([1_000, 1])
})
