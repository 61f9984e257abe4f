import { describe, expect, test } from 'vitest'
import { renderMermaid } from '../../dag/render-mermaid.ts'
import { levelsOf, renderTextGraph } from '../../dag/render-text-graph.ts'
import type { TaskStates } from '../../dag/task-state.ts'
import { graphOf } from './graph-of.ts'

const graph = graphOf(
  { choose: [], left: ['choose'], right: ['choose'], end: ['left', 'right'], apart: [] },
  {
    choose: { kind: 'branch', choices: ['left', 'right'] },
    end: { rule: 'none_failed_min_one_success' },
    apart: { kind: 'sensor' },
  },
)
const states: TaskStates = {
  choose: { state: 'success', reason: 'it chose left', chosen: ['left'] },
  left: { state: 'failed', reason: 'broken' },
  right: { state: 'skipped', reason: 'choose chose left' },
  end: { state: 'upstream_failed', reason: '' },
}

/** 60 tasks, ten beside each other, each after two of the level before. */
const wide = graphOf(
  Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => {
      const [level, row] = [Math.floor(index / 10), index % 10]
      const before = (of: number) => `level_${level - 1}_task_${of % 10}`
      return [`level_${level}_task_${row}`, level === 0 ? [] : [before(row), before(row + 1)]]
    }),
  ),
)

describe('a graph as text', () => {
  test('has a task a line by levels, with kind, rule and edges', () => {
    expect(renderTextGraph(graph, { width: 80 })).toBe(
      [
        '  1 ┬ choose  [branch]',
        '    └ apart   [sensor]',
        '  2 ┬ left    ← choose (if chosen)',
        '    └ right   ← choose (if chosen)',
        '  3 ─ end     [none_failed_min_one_success] ← left, right',
      ].join('\n'),
    )
  })

  test('of a run marks the states, says what the branch chose, and counts', () => {
    expect(renderTextGraph(graph, { width: 80, states })).toBe(
      [
        '  1 ┬ + choose  [branch]',
        '    └   apart   [sensor]',
        '  2 ┬ X left    ← choose (chosen)',
        '    └ - right   ← choose (not chosen)',
        '  3 ─ ! end     [none_failed_min_one_success] ← left, right',
        '',
        '+ 1 success   X 1 failed   - 1 skipped   ! 1 upstream_failed   1 not started',
      ].join('\n'),
    )
  })

  test('of 60 tasks takes 60 lines of at most 80 columns, and has every edge', () => {
    const lines = renderTextGraph(wide, { width: 80 }).split('\n')
    expect(lines).toHaveLength(60)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    for (const { id, upstream } of wide.tasks) {
      const line = lines.find((one) => one.includes(` ${id} `) || one.endsWith(` ${id}`))
      if (upstream.length > 0) expect(line).toContain(`← ${upstream.join(', ')}`)
    }
    expect(levelsOf(wide).map((level) => level.length)).toEqual([10, 10, 10, 10, 10, 10])
  })

  test('goes on in the next line where edges do not fit', () => {
    const ids = Array.from({ length: 12 }, (_, index) => `upstream_task_${index}`)
    const many = graphOf({ ...Object.fromEntries(ids.map((id) => [id, []])), join: ids })
    const lines = renderTextGraph(many, { width: 60 }).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60)
    const joined = lines.slice(12).join(' ').replaceAll(/\s+/g, ' ')
    expect(joined).toContain(`← ${ids.join(', ')}`)
  })
})

describe('a graph as Mermaid', () => {
  test('has every task and edge, under ids that are no words of Mermaid', () => {
    expect(renderMermaid(graph)).toBe(
      [
        'flowchart LR',
        '  t_choose{"choose<br/>branch"}',
        '  t_left["left"]',
        '  t_right["right"]',
        '  t_end["end<br/>none_failed_min_one_success"]',
        '  t_apart(["apart<br/>sensor"])',
        '  t_choose -.->|may choose| t_left',
        '  t_choose -.->|may choose| t_right',
        '  t_left --> t_end',
        '  t_right --> t_end',
      ].join('\n'),
    )
  })

  test('of a run shows the choice and colours the states', () => {
    const drawn = renderMermaid(graph, states)
    expect(drawn).toContain('t_choose ==>|chosen| t_left')
    expect(drawn).toContain('t_choose -.->|not chosen| t_right')
    expect(drawn).toMatch(/classDef failed fill:#\w+/)
    expect(drawn).toContain('class t_left failed')
    expect(drawn).toContain('class t_apart none')
    expect(drawn).not.toContain('classDef running')
  })
})
