import { checksOf } from '../domain/checks.ts'
import { contractsOfShop } from '../domain/contracts/all-contracts.ts'
import type { Contract } from '../domain/contracts/contract.ts'
import {
  columnExpressions,
  grow,
  isNamed,
  rowExpressions,
  withoutComments,
  type Expression,
} from '../domain/contracts/sql-names.ts'
import { metrics, type Metric } from '../domain/metrics.ts'
import { readMigrations } from '../platform/migrate.ts'
import { readModel, type Model } from '../platform/model-file.ts'
import { partsOf, transformPart, type DayPart } from './day-parts.ts'

/** What reads a column of a source, as the names of columns in SQL say. */
export interface Consumers {
  /** Columns of published tables, `fact_orders.gross_amount`. */
  readonly columns: readonly string[]
  readonly metrics: readonly string[]
  readonly checks: readonly string[]
  /** Parts of the day, `fact_orders`, of which some model reads it. */
  readonly parts: readonly string[]
}

interface TablePart {
  readonly part: DayPart
  readonly models: readonly Model[]
}

/**
 * Follows a column from its source's contract through the models of its shop: an expression that names
 * it makes its own column a consumer, whose name is followed on in the models that read that table.
 */
export async function consumersOf(contract: Contract, column: string): Promise<Consumers> {
  const staged = grow(new Set([column]), derivedExpressions(contract))
  const namesByTable = new Map([[`staging.${contract.family}`, staged]])
  const columnsOf = await warehouseColumns()
  const found = { columns: new Set<string>(), metrics: new Set<string>(), parts: new Set<string>() }
  for (const { part, models } of await tableParts(contract)) {
    for (const model of models) {
      const names = namesRead(model, namesByTable)
      if (!isNamed(model.select, names)) continue
      found.parts.add(part.name)
      if (!part.tables.includes(`warehouse.${model.name}`)) continue
      for (const metric of metricsNamed(model, names)) found.metrics.add(metric)
      const made = grow(names, columnExpressions(model.select))
      const columns = (columnsOf.get(model.name) ?? []).filter((name) => made.has(name))
      for (const name of columns) found.columns.add(`${model.name}.${name}`)
      const known = namesByTable.get(model.name) ?? []
      namesByTable.set(model.name, new Set([...known, ...columns]))
    }
  }
  const checks = checksNamed(contract, staged)
  if (checks.length > 0) found.parts.add('checks')
  return {
    columns: [...found.columns],
    metrics: [...found.metrics],
    checks,
    parts: [transformPart(contract).name, ...found.parts],
  }
}

async function tableParts({ shopId }: Contract): Promise<TablePart[]> {
  const parts = partsOf(contractsOfShop(shopId)).filter(({ name }) => name !== 'checks')
  return Promise.all(
    parts.map(async (part) => ({ part, models: await Promise.all(part.models.map(readModel)) })),
  )
}

/** Names of a table's columns are followed in the models that read it, whatever schema it is read from. */
function namesRead(model: Model, namesByTable: ReadonlyMap<string, ReadonlySet<string>>) {
  return new Set(
    model.reads.flatMap((table) => [
      ...(namesByTable.get(table) ?? namesByTable.get(table.replace(/^\w+\./, '')) ?? []),
    ]),
  )
}

function derivedExpressions({ columns, derived }: Contract): Expression[] {
  return [
    ...Object.entries(derived).map(([name, sql]) => ({ name, sql })),
    ...columns.flatMap(({ name, defaultSql, requiredWhen }) => [
      ...(defaultSql === undefined ? [] : [{ name, sql: defaultSql }]),
      ...(requiredWhen === undefined ? [] : [{ name, sql: requiredWhen }]),
    ]),
  ]
}

/** The columns that the migrations give the tables of the warehouse. */
async function warehouseColumns(): Promise<Map<string, string[]>> {
  const columns = new Map<string, string[]>()
  for (const sql of await readMigrations()) {
    const statements = sql.matchAll(/^(create|alter) table warehouse\.(\w+)(.*?);$/gms)
    for (const [, verb, table = '', body = ''] of statements) {
      const column = verb === 'create' ? /^ {4}([a-z_]+) [a-z]/gm : /\badd column ([a-z_]+) /g
      const names = [...body.matchAll(column)].map(([, name = '']) => name)
      columns.set(table, [...(columns.get(table) ?? []), ...names])
    }
  }
  return columns
}

/** Metrics that a model computes from one of the names, or splits by one of them. */
function metricsNamed(model: Model, read: ReadonlySet<string>): string[] {
  const sql = withoutComments(model.select)
  const names = grow(read, [...columnExpressions(sql), ...rowExpressions(sql)])
  const figures = new Set(names)
  for (const column of ['metric', 'dimension', 'segment', 'value']) figures.delete(column)
  const selects = sql.split(/\bselect\b/).map((select) => select.replace(/^\).*/ms, ''))
  const isHit = ({ id, dimensions }: Metric) =>
    names.has('metric_date') ||
    dimensions.some((dimension) => names.has(dimension) || names.has(`${dimension}_id`)) ||
    selects.some((select) => computes(select, id, figures))
  return metrics
    .filter((metric) => sql.includes(`'${metric.id}'`) && isHit(metric))
    .map(({ id }) => id)
}

/** Whether one select makes a metric of these names: as its only one, or as one of several rows. */
function computes(select: string, metric: string, names: ReadonlySet<string>): boolean {
  if (select.includes(`'${metric}' as metric`)) return isNamed(select, names)
  const row = select.split('\n').find((line) => line.trim().startsWith(`('${metric}'`))
  if (row === undefined) return false
  const value = columnExpressions(`select ${select}`).find(({ name }) => name === 'value')
  return isNamed(row, names) || (value !== undefined && isNamed(value.sql, names))
}

function checksNamed(contract: Contract, names: ReadonlySet<string>): string[] {
  return checksOf(contract)
    .filter(({ measure, failing, scan, key = [] }) => {
      if (scan === 'model') return false
      return isNamed([measure, failing ?? '', ...key].join(' '), names)
    })
    .map(({ id }) => id)
}
