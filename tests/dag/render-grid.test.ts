import { expect, test } from 'vitest'
import { defineDag, activityRefs } from '../../dag/define-dag.ts'
import { initialStates, reduce } from '../../dag/reducer.ts'
import { renderGrid } from '../../dag/render-grid.ts'

interface Activities {
  work(input: { date: string }): Promise<void>
}
const act = activityRefs<Activities>()

function fanOut(count: number) {
  const options = { startDate: '2025-01-01', catchup: false, maxActiveRuns: 1, schedule: null }
  const { graph } = defineDag({ id: 'wide', ...options }, ({ task, date }) => {
    for (let index = 0; index < count; index += 1) task(`task_${index}`, act.work, { date })
  })
  const { states } = reduce(graph, initialStates(graph), { type: 'run_started' })
  return { graph, states }
}

test('a small graph is shown task by task', () => {
  const { graph, states } = fanOut(2)
  expect(renderGrid(graph, states).split('\n')).toEqual([
    '```',
    'task_0  running          it waits for no other task',
    'task_1  running          it waits for no other task',
    '```',
  ])
})

test('of a large graph the counts are, with some of the tasks a person looks for', () => {
  const { graph, states } = fanOut(400)
  const failed = reduce(graph, states, {
    type: 'task_failed',
    taskId: 'task_7',
    reason: 'it broke',
  })
  const lines = renderGrid(graph, failed.states).split('\n')
  expect(lines.slice(0, 3)).toEqual([
    '```',
    '399 running, 1 failed',
    'task_7   failed           it broke',
  ])
  expect(lines.length).toBeLessThan(30)
  expect(lines.join('\n').length).toBeLessThan(2_000)
})
