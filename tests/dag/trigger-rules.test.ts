import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { TriggerRule } from '../../dag/graph.ts'
import { triggerRules } from '../../dag/graph.ts'
import type { UpstreamCounts } from '../../dag/trigger-rules.ts'
import { decide } from '../../dag/trigger-rules.ts'

const columns: Record<string, TriggerRule> = {
  AS: 'all_success',
  AF: 'all_failed',
  AD: 'all_done',
  ADM: 'all_done_min_one_success',
  ADS: 'all_done_setup_success',
  OS: 'one_success',
  OF: 'one_failed',
  OD: 'one_done',
  NF: 'none_failed',
  NFM: 'none_failed_min_one_success',
  NS: 'none_skipped',
  AK: 'all_skipped',
  AW: 'always',
}
const letters = { run: 'R', skip: 'K', upstream_failed: 'U', wait: '.' } as const

/** S success, F failed, K skipped, U upstream_failed, · unfinished. */
function counts(upstreams: string): UpstreamCounts {
  const count = (letter: string) => [...upstreams].filter((one) => one === letter).length
  return {
    success: count('S'),
    failed: count('F'),
    skipped: count('K'),
    upstreamFailed: count('U'),
    unfinished: count('·'),
  }
}

function answer(rule: TriggerRule, upstreams: string): string {
  return letters[decide(rule, counts(upstreams))]
}

/** What Airflow 3.3.2 does: a row a multiset of upstream states, a column a rule. */
const table = readFileSync(join(import.meta.dirname, 'trigger-rules.table.txt'), 'utf8')
const [header = '', ...lines] = table.trim().split('\n')
const rules = header.split(' ').slice(1)
const cells = lines.flatMap((line) => {
  const [upstreams = '', ...answers] = line.split(' ')
  return answers.map((expected, index) => ({ upstreams, rule: rules[index] ?? '', expected }))
})

/** all_success skips only when all have ended, or its answer would depend on who ended first. */
const departures = new Map(['K·', 'SK·', 'KK·', 'K··'].map((upstreams) => [`AS ${upstreams}`, '.']))

test('the table has 715 cells, and covers every rule', () => {
  expect(cells).toHaveLength(715)
  expect(rules.map((rule) => columns[rule])).toEqual([...triggerRules].sort(byTable))
})

function byTable(one: TriggerRule, other: TriggerRule): number {
  const order = Object.values(columns)
  return order.indexOf(one) - order.indexOf(other)
}

describe('a rule answers as Airflow does, but for four named cells of all_success', () => {
  test.each(Object.entries(columns))('%s %s', (column, rule) => {
    const wrong = cells
      .filter((cell) => cell.rule === column)
      .map(({ upstreams, expected }) => ({
        upstreams,
        expected: departures.get(`${column} ${upstreams}`) ?? expected,
        found: answer(rule, upstreams),
      }))
      .filter(({ expected, found }) => expected !== found)
    expect(wrong).toEqual([])
  })

  test('the four cells do differ from Airflow', () => {
    const asInAirflow = cells.filter(
      ({ rule, upstreams, expected }) => departures.get(`${rule} ${upstreams}`) === expected,
    )
    expect(departures.size).toBe(4)
    expect(asInAirflow).toEqual([])
  })
})

test.each(triggerRules)('a task without upstream tasks runs under %s', (rule) => {
  expect(answer(rule, '')).toBe('R')
})

describe('the final answer does not depend on the order in which upstream tasks end', () => {
  const multisets = lines
    .map((line) => line.split(' ')[0] ?? '')
    .filter((one) => !one.includes('·'))

  test.each(triggerRules)('%s', (rule) => {
    for (const upstreams of multisets) {
      const answers = permutations([...upstreams]).map((order) => firstAnswer(rule, order))
      const atOnce = rule === 'always' ? 'R' : answer(rule, upstreams)
      expect([...new Set(answers)], `${rule} ${upstreams}`).toEqual([atOnce])
    }
  })
})

/** Evaluates after each end, as a run does, until the task's fate is known. */
function firstAnswer(rule: TriggerRule, order: string[]): string {
  for (let ended = 0; ended < order.length; ended++) {
    const seen = order.map((state, index) => (index < ended ? state : '·')).join('')
    if (answer(rule, seen) !== '.') return answer(rule, seen)
  }
  return answer(rule, order.join(''))
}

function permutations<T>(items: T[]): T[][] {
  if (items.length < 2) return [items]
  return items.flatMap((item, index) =>
    permutations(items.filter((_, other) => other !== index)).map((rest) => [item, ...rest]),
  )
}
