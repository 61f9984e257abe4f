import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { median } from '../../bench/compare.ts'
import { createReport, renderTable, row, writeReport } from '../../bench/report.ts'
import { tempFolder } from '../support/temp-folder.ts'

test.each([
  { value: 1.15, goal: 1.15, better: 'lower', met: true },
  { value: 1.16, goal: 1.15, better: 'lower', met: false },
  { value: 599, goal: 600, better: 'higher', met: false },
  { value: 600, goal: 600, better: 'higher', met: true },
] as const)('$value, where $goal is the goal and $better is better, is met: $met', (measured) => {
  expect(row({ metric: 'm', unit: 's', ...measured })).toMatchObject({ met: measured.met })
})

test('a number without a goal is neither met nor missed', () => {
  expect(row({ metric: 'm', value: 1.23456, unit: 's' })).toEqual({
    ...{ metric: 'm', value: 1.235, unit: 's', goal: null, better: 'lower', met: null },
  })
})

test('the middle of the rounds counts, whatever their order', () => {
  expect(median([9, 1, 100, 2, 3])).toBe(3)
  expect(median([4, 1, 3, 2])).toBe(2.5)
})

test('a report says where and when it was measured, as a table and as a file', async () => {
  const rows = [row({ metric: 'chain', value: 9, unit: 'ms', goal: 10 })]
  const report = await createReport('sample', async () => rows)
  expect(report.machine).toMatchObject({ node: process.version })
  expect(renderTable(report)).toMatch(/^chain\s+9\s+ms\s+≤ 10\s+met$/m)
  const path = writeReport(report, tempFolder('bench'))
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(report)
})

test('a benchmark that is not there is refused with the names of those that are', () => {
  const run = () =>
    execFileSync(process.execPath, [join(import.meta.dirname, '../../bench/run.ts'), 'nothing'], {
      stdio: 'pipe',
    })
  expect(run).toThrow(/There is no benchmark "nothing".*orchestrator/)
})
