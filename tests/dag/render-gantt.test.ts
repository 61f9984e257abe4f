import { expect, test } from 'vitest'
import type { AttemptBar } from '../../dag/render-gantt.ts'
import { renderGantt } from '../../dag/render-gantt.ts'

const scale = { startMs: 0, endMs: 10_000, width: 40 }
const bar = (state: AttemptBar['state'], startMs: number, endMs: number | null) => ({
  ...{ state, startMs, endMs },
})

test('bars stand on one scale; tries, pauses between them and the critical path are visible', () => {
  const rows = [
    { taskId: 'first', isCritical: true, attempts: [bar('success', 0, 5_000)] },
    {
      ...{ taskId: 'flaky', isCritical: false },
      attempts: [bar('failed', 5_000, 6_000), bar('success', 8_000, 10_000)],
    },
  ]
  const [first = '', flaky = ''] = renderGantt(rows, scale).split('\n')
  expect(first).toMatch(/^\* first {2}█{7,8} +5\.0 s$/)
  expect(flaky).toMatch(/^ {2}flaky {2} +▒+·+█+ {2}2 tries 5\.0 s$/)
  expect(first).toHaveLength(40)
  expect(flaky).toHaveLength(40)
})

test('what goes on reaches to the end, what took no time is still seen, long names are cut', () => {
  const long = 'a_task_with_a_name_longer_than_any_name_should_be'
  const rows = [
    { taskId: long, isCritical: false, attempts: [bar('running', 2_000, null)] },
    { taskId: 'brief', isCritical: false, attempts: [bar('success', 10_000, 10_000)] },
  ]
  const lines = renderGantt(rows, { ...scale, width: 80 }).split('\n')
  expect(lines[0]).toMatch(/^ {2}a_task_with_a_name_longer_than_… {2} +▓+ {2}8\.0 s$/)
  expect(lines[1]).toMatch(/█ +0\.0 s$/)
  for (const line of lines) expect(line).toHaveLength(80)
})
