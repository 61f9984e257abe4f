import type { Command } from 'commander'
import { Option } from 'commander'
import { verifyBooks, type ShopComparison } from '../activities/verify-books.ts'
import type { RowDifference } from '../platform/compare-tables.ts'
import { configuredSources } from '../platform/sources.ts'
import { digestTables, type TableDigest } from '../platform/table-digests.ts'
import { publishedShops, type PublishedShop } from '../schedules/published-shops.ts'
import { jsonOption, parseDag } from './arguments.ts'
import { withDatabase } from './connect.ts'
import { CommandFailed, UsageError } from './exit-codes.ts'
import { assertKnownDag } from './known-dag.ts'
import { printJson, printLine, printTable, seconds } from './print.ts'

interface Flags {
  shop?: string
  dag?: string
  digests?: true
  json?: true
}

/** Differing rows shown of a table. */
const samples = 5

export function registerVerify(program: Command): void {
  program
    .command('verify')
    .addOption(new Option('--shop <id>', 'only this shop').conflicts(['dag', 'digests']))
    .addOption(
      new Option('--dag <id>', 'only the shop that this DAG publishes')
        .argParser(parseDag)
        .conflicts('digests'),
    )
    .option('--digests', 'print the digests of what is published, without a rebuild')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Nothing is changed, and runs go on meanwhile. Exit code 0: all equal; 1: something differs.

Examples:
  daybook verify
  daybook verify --shop main --json
  daybook verify --digests`,
    )
    .action((flags: Flags) => (flags.digests ? printDigests(flags) : verify(flags)))
}

async function printDigests({ json }: Flags): Promise<void> {
  const digests = await withDatabase((database) => digestTables(database))
  if (json) return printJson(digests)
  const cells = Object.entries(digests).map(([table, { rows, digest }]) => [table, rows, digest])
  printTable(['table', 'rows', 'digest'], cells, '')
}

async function verify(flags: Flags): Promise<void> {
  const all = publishedShops()
  const shops = chosenShops(all, flags)
  const startedMs = performance.now()
  const tables = await withDatabase((database, config) => {
    const input = { shops, areAll: shops.length === all.length, samples }
    return verifyBooks(database, configuredSources(config), input)
  })
  const took = (performance.now() - startedMs) / 1000
  const differing = tables.filter(({ isEqual }) => !isEqual)
  if (flags.json) {
    printJson({ isEqual: differing.length === 0, seconds: Number(took.toFixed(3)), tables })
  } else {
    printComparison(tables)
    for (const comparison of differing) printDifferences(comparison)
  }
  if (differing.length > 0) {
    const names = differing.map(({ shop, table }) => (shop === null ? table : `${shop} ${table}`))
    throw new CommandFailed(`Published and rebuilt differ in ${names.join(', ')}`)
  }
  if (!flags.json) printLine(`\nWhat is published equals its rebuild (${seconds(took)} s).`)
}

function chosenShops(all: readonly PublishedShop[], { shop, dag }: Flags): PublishedShop[] {
  if (dag !== undefined) assertKnownDag(dag)
  const chosen = all.filter(
    ({ shopId, dagId }) => shopId === (shop ?? shopId) && dagId === (dag ?? dagId),
  )
  if (chosen.length > 0) return chosen
  const known = all.map(({ shopId }) => shopId).join(', ')
  throw new UsageError(
    shop === undefined
      ? `error: the DAG ${dag} publishes no shop`
      : `error: no DAG publishes a shop ${shop}; there are ${known}`,
  )
}

function printComparison(tables: readonly ShopComparison[]): void {
  const cells = tables.map(({ shop, table, published, rebuilt, isEqual, differingRows }) => [
    ...[shop, table, published.rows, rebuilt.rows, short(published), short(rebuilt)],
    isEqual ? 'equal' : howMany(differingRows),
  ])
  const titles = ['shop', 'table', 'published', 'rebuilt', 'digest published', 'digest rebuilt', '']
  printTable(titles, cells, '')
}

/** Enough to tell two apart; JSON has all of it. */
function short({ digest }: TableDigest): string {
  return digest.slice(0, 12)
}

function howMany(rows: number): string {
  return rows === 1 ? '1 row differs' : `${rows.toLocaleString('en-US')} rows differ`
}

function printDifferences({ shop, table, differingRows, samples: rows }: ShopComparison): void {
  const of = rows.length < differingRows ? `, the first ${rows.length} of ${differingRows}` : ''
  printLine(`\n${shop === null ? table : `${shop} ${table}`}: rows that differ${of}`)
  for (const row of rows) printRow(row)
}

function printRow({ key, found, columns }: RowDifference): void {
  const name = Object.entries(key).map(([column, value]) => `${column}=${value}`)
  printLine(`  ${name.join(' ')}${found === 'in both' ? '' : `: ${found}`}`)
  for (const { column, published, rebuilt } of columns) {
    printLine(
      `    ${column}: published ${JSON.stringify(published)}, rebuilt ${JSON.stringify(rebuilt)}`,
    )
  }
}
