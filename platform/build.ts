import type { Database, Transaction } from './database.ts'
import { readModel, type Model } from './model-file.ts'

/**
 * The unpublished next state of a shop's tables, made by the load tasks of one run. Every table has
 * in the build's schema: `<table>` (the rows that will be), `<table>_scope` (the keys whose published
 * rows these replace) and the view `<table>_next` (the table as it will be after publishing).
 */
export interface Build {
  readonly schema: string
  readonly shopId: string
  readonly date: string
  readonly runKey: string
}

/** A published table and the columns by which a build replaces its rows. */
export interface PublishedTable {
  readonly table: string
  readonly scopeKey: readonly string[]
}

/** In the order in which publishing writes them. */
export const publishedTables: readonly PublishedTable[] = [
  { table: 'dim_user', scopeKey: ['shop_id', 'user_id'] },
  { table: 'dim_product', scopeKey: ['shop_id', 'vendor_id', 'product_id'] },
  { table: 'fact_orders', scopeKey: ['shop_id', 'order_id'] },
  { table: 'fact_events', scopeKey: ['shop_id', 'event_id'] },
  { table: 'daily_metrics', scopeKey: ['shop_id', 'metric_date'] },
  { table: 'metric_scores', scopeKey: ['shop_id', 'metric_date'] },
]

export function buildFor(runKey: string, shopId: string): Build {
  const [dagId, date] = runKey.split('/')
  if (!dagId || !date) throw new Error(`Not a run key: ${runKey}`)
  return { schema: `next_${dagId}_${date.replaceAll('-', '')}`, shopId, date, runKey }
}

/** The schema of this build; made on first use, shared by the load tasks of a run. */
export async function openBuild(transaction: Transaction, build: Build): Promise<void> {
  await transaction.query('select pg_advisory_xact_lock(hashtextextended($1, 7))', [build.schema])
  await transaction.query(`set local client_min_messages = warning`)
  await transaction.query(`create schema if not exists ${build.schema}`)
  await transaction.query(
    `create table if not exists ${build.schema}.built_from (
       table_name text primary key, version bigint not null, is_made boolean not null)`,
  )
}

/** The shop's publication counter: a build made from an older version must be made again. */
export async function shopVersion(database: Database | Transaction, shopId: string) {
  const result = await database.query<{ version: number }>(
    'select version from audit.shop_versions where shop_id = $1',
    [shopId],
  )
  return result.rows[0]?.version ?? 0
}

/**
 * Starts the build of one table again from nothing: an empty `<table>` and the scope that
 * `scopeSelect` names, and the view of the table as it will be.
 */
export async function beginTable(
  transaction: Transaction,
  build: Build,
  table: string,
  scopeSelect: { sql: string; params: readonly unknown[] },
): Promise<void> {
  const version = await shopVersion(transaction, build.shopId)
  await openBuild(transaction, build)
  const { scopeKey } = publishedTable(table)
  const key = scopeKey.join(', ')
  await transaction.query(`
    drop table if exists ${build.schema}.${table}, ${build.schema}.${table}_scope cascade;
    create table ${build.schema}.${table} (like warehouse.${table} including generated);
    create table ${build.schema}.${table}_scope as
      select ${key} from warehouse.${table} where false;
    create view ${build.schema}.${table}_next as
      select * from warehouse.${table} published
      where not exists (
        select from ${build.schema}.${table}_scope scope
        where (${scopeKey.map((column) => `scope.${column}`).join(', ')})
            = (${scopeKey.map((column) => `published.${column}`).join(', ')}))
      union all select * from ${build.schema}.${table};`)
  await transaction.query(
    `insert into ${build.schema}.${table}_scope (${key}) select distinct ${key} from (${scopeSelect.sql}) scope`,
    [...scopeSelect.params],
  )
  await transaction.query(`analyze ${build.schema}.${table}_scope`)
  await transaction.query(
    `insert into ${build.schema}.built_from values ($1, $2, true)
     on conflict (table_name) do update set version = excluded.version, is_made = true`,
    [table, version],
  )
}

/** Takes a table into the build as it is published: it replaces no key and has no rows of its own. */
export async function keepTable(
  transaction: Transaction,
  build: Build,
  table: string,
): Promise<void> {
  const { scopeKey } = publishedTable(table)
  const none = `select ${scopeKey.join(', ')} from warehouse.${table} where false`
  await beginTable(transaction, build, table, { sql: none, params: [] })
  await transaction.query(
    `update ${build.schema}.built_from set is_made = false where table_name = $1`,
    [table],
  )
}

/** The tables of a build: made by it, or kept as they are published. */
export async function tablesOfBuild(
  transaction: Transaction,
  build: Build,
): Promise<{ made: Set<string>; kept: Set<string> }> {
  const { rows } = await transaction.query<{ table_name: string; is_made: boolean }>(
    `select table_name, is_made from ${build.schema}.built_from`,
  )
  const named = (isMade: boolean) =>
    new Set(rows.filter((row) => row.is_made === isMade).map((row) => row.table_name))
  return { made: named(true), kept: named(false) }
}

/** Fills the build's table with what the model selects; columns match by name. Returns rows. */
export async function fillTable(
  transaction: Transaction,
  build: Build,
  modelPath: string,
  params: readonly unknown[],
  stagingTables: Readonly<Record<string, string>> = {},
): Promise<number> {
  const model = await readModel(modelPath)
  const select = await resolveReads(transaction, build, model, stagingTables)
  const columns = await columnsOf(transaction, select, params)
  const inserted = await transaction.query(
    `insert into ${build.schema}.${model.name} (${columns.join(', ')}) ${select}`,
    [...params],
  )
  await transaction.query(`analyze ${build.schema}.${model.name}`)
  return inserted.rowCount ?? 0
}

export interface BuildTableInput {
  readonly table: string
  /** Model of sql/ whose rows are the keys that this build replaces. */
  readonly scope: string
  /** Model of sql/ whose rows are the new state of these keys. */
  readonly rows: string
  /** Values by the names that the models' `params:` give them. */
  readonly params: Readonly<Record<string, unknown>>
  readonly stagingTables: Readonly<Record<string, string>>
}

/** Builds one table anew from its scope model and its rows model. Returns rows. */
export async function buildTable(
  transaction: Transaction,
  build: Build,
  input: BuildTableInput,
): Promise<number> {
  await openBuild(transaction, build)
  const scope = await readModel(input.scope)
  await beginTable(transaction, build, input.table, {
    sql: await resolveReads(transaction, build, scope, input.stagingTables),
    params: positional(scope, input.params),
  })
  return fillFromModel(transaction, build, input)
}

/** Adds to the build's table what its rows model selects. Returns rows. */
export async function fillFromModel(
  transaction: Transaction,
  build: Build,
  { rows, params, stagingTables }: Omit<BuildTableInput, 'table' | 'scope'>,
): Promise<number> {
  const values = positional(await readModel(rows), params)
  return fillTable(transaction, build, rows, values, stagingTables)
}

export interface MovedMembersInput {
  /** Name of a model in sql/warehouse/moved, and of the table it fills. */
  readonly table: string
  /** Columns of the member's key, before `moved_from`. */
  readonly key: readonly string[]
}

/** Notes which members of a dimension have other versions than before, and since when. */
export async function noteMoved(
  transaction: Transaction,
  build: Build,
  { table, key }: MovedMembersInput,
): Promise<void> {
  const model = await readModel(`warehouse/moved/${table}`)
  await transaction.query(`
    drop table if exists ${build.schema}.${table};
    create table ${build.schema}.${table} (
      ${key.map((column) => `${column} text not null, `).join('')}moved_from timestamptz not null)`)
  const select = await resolveReads(transaction, build, model, {})
  await transaction.query(
    `insert into ${build.schema}.${table} (${key.join(', ')}, moved_from) ${select}`,
    [build.shopId],
  )
  await transaction.query(`analyze ${build.schema}.${table}`)
}

/** The first date on which facts of moved members can change; null when none has moved. */
export async function movedFrom(
  transaction: Transaction,
  build: Build,
  table: string,
): Promise<string | null> {
  const result = await transaction.query<{ date: string | null }>(
    `select min(moved_from)::date - 1 as date from ${build.schema}.${table}`,
  )
  return result.rows[0]?.date ?? null
}

function positional(model: Model, values: Readonly<Record<string, unknown>>): unknown[] {
  return model.params.map((param) => {
    const name = param.replace(/^\$\d+ /, '')
    if (!(name in values)) throw new Error(`Model ${model.name} asks for the parameter ${name}`)
    return values[name]
  })
}

async function columnsOf(transaction: Transaction, select: string, params: readonly unknown[]) {
  const result = await transaction.query(`select * from (${select}) model limit 0`, [...params])
  return result.fields.map((field) => field.name)
}

/** Reads of published tables see them as they will be; `staging.<x>` may stand for a source's table. */
async function resolveReads(
  transaction: Transaction,
  build: Build,
  model: Model,
  stagingTables: Readonly<Record<string, string>>,
): Promise<string> {
  const replacements = new Map<string, string>(Object.entries(stagingTables))
  for (const table of await builtTables(transaction, build)) {
    replacements.set(`published.${table}`, `warehouse.${table}`)
    replacements.set(`next.${table}`, `${build.schema}.${table}`)
    replacements.set(`next.${table}_scope`, `${build.schema}.${table}_scope`)
    if (!isBuiltBefore(table, model.name)) continue
    replacements.set(`warehouse.${table}`, `${build.schema}.${table}_next`)
  }
  for (const read of model.reads.filter((name) => name.startsWith('next.moved_'))) {
    replacements.set(read, read.replace('next.', `${build.schema}.`))
  }
  return replaceTables(model.select, model.reads, replacements)
}

/** A table sees the next state of those before it, and the published state of itself and later ones. */
function isBuiltBefore(table: string, reader: string): boolean {
  const order = publishedTables.map((published) => published.table)
  const position = order.indexOf(reader)
  return position < 0 || order.indexOf(table) < position
}

async function builtTables(transaction: Transaction, build: Build): Promise<string[]> {
  const result = await transaction.query<{ table_name: string }>(
    `select table_name from ${build.schema}.built_from order by table_name`,
  )
  return result.rows.map((row) => row.table_name)
}

/** In one pass, so that no replacement is replaced again. */
function replaceTables(
  sql: string,
  reads: readonly string[],
  replacements: ReadonlyMap<string, string>,
): string {
  if (reads.length === 0) return sql
  const tables = new RegExp(
    `\\b(${reads.map((read) => read.replace('.', '\\.')).join('|')})\\b`,
    'g',
  )
  return sql.replaceAll(tables, (read) => replacements.get(read) ?? read)
}

function publishedTable(table: string): PublishedTable {
  const found = publishedTables.find((candidate) => candidate.table === table)
  if (!found) throw new Error(`No published table ${table}; list it in platform/build.ts`)
  return found
}
