import { writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'

export interface Row {
  readonly metric: string
  readonly value: number
  readonly unit: string
  /** Null where the number is there to explain another. */
  readonly goal: number | null
  readonly better: 'lower' | 'higher'
  readonly met: boolean | null
}

export interface Report {
  readonly name: string
  readonly date: string
  readonly machine: {
    readonly cores: number
    readonly memoryGb: number
    readonly node: string
    readonly os: string
    /** What else ran: processes that wanted a core when the measurement began. */
    readonly loadAtStart: number
  }
  readonly rows: readonly Row[]
}

type Measured = Pick<Row, 'metric' | 'value' | 'unit'> & Partial<Pick<Row, 'goal' | 'better'>>

export function row({ metric, value, unit, goal = null, better = 'lower' }: Measured): Row {
  const rounded = Number(value.toPrecision(4))
  return { metric, value: rounded, unit, goal, better, met: meets(rounded, goal, better) }
}

function meets(value: number, goal: number | null, better: Row['better']): boolean | null {
  if (goal === null) return null
  return better === 'lower' ? value <= goal : value >= goal
}

/** Runs a benchmark and adds where and when it ran. */
export async function createReport(name: string, bench: () => Promise<Row[]>): Promise<Report> {
  const machine = {
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    os: `${process.platform} ${process.arch}`,
    loadAtStart: Number((loadavg()[0] ?? 0).toFixed(2)),
  }
  const date = new Date().toISOString()
  return { name, date, machine, rows: await bench() }
}

export function renderTable({ name, date, machine, rows }: Report): string {
  const { cores, memoryGb, node, os, loadAtStart } = machine
  const cells = [
    ['metric', 'value', 'unit', 'goal', ''],
    ...rows.map(({ metric, value, unit, goal, better, met }) => {
      const bound = goal === null ? '' : `${better === 'lower' ? '≤' : '≥'} ${goal}`
      return [metric, String(value), unit, bound, met === null ? '' : met ? 'met' : 'missed']
    }),
  ]
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((line) => line[column]?.length ?? 0)),
  )
  const lines = cells.map((line) =>
    line
      .map((cell, column) =>
        (column === 1 ? cell.padStart : cell.padEnd).call(cell, widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
  const where = `${cores} cores, ${memoryGb} GB, Node ${node}, ${os}, load ${loadAtStart} at the start`
  return [`${name}, ${date}`, where, '', ...lines].join('\n')
}

const resultsDir = join(import.meta.dirname, 'results')

/** Writes `<folder>/<name>.json`; returns its path. */
export function writeReport(report: Report, folder = resultsDir): string {
  const path = join(folder, `${report.name}.json`)
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`)
  return path
}
