import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { createReport, renderTable, writeReport } from './report.ts'
import type { Row } from './report.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { full: { type: 'boolean', default: false } },
})

/** Each is loaded when it is asked for. */
const benchmarks: Record<string, () => Promise<Row[]>> = {
  orchestrator: async () => (await import('./orchestrator.ts')).benchOrchestrator(),
  verify: async () => (await import('./verify.ts')).benchVerify(),
  'up-to-date': async () => (await import('./up-to-date.ts')).benchUpToDate(),
  batch: async () => (await import('./batch.ts')).benchBatch({ isFull: values.full }),
  types: async () => (await import('./types.ts')).benchTypes(),
}

const [name = ''] = positionals
const bench = benchmarks[name]
if (bench === undefined) {
  const names = Object.keys(benchmarks).join(', ')
  console.error(`There is no benchmark "${name}"; use npm run bench -- NAME with one of: ${names}`)
  process.exitCode = 2
} else {
  const report = await createReport(name, bench)
  console.log(`\n${renderTable(report)}`)
  console.log(`\nWritten to ${relative(process.cwd(), writeReport(report))}`)
  if (report.rows.some(({ met }) => met === false)) process.exitCode = 1
}
