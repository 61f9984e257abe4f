import { consumersOf, type Consumers } from '../activities/column-consumers.ts'
import { allContracts } from '../domain/contracts/all-contracts.ts'
import type { ContractData } from '../domain/contracts/contract-data.ts'
import type { Contract } from '../domain/contracts/contract.ts'
import { diffContracts, type Change } from '../domain/contracts/diff.ts'
import { isMoved, nextVersion, partToMove, type VersionPart } from '../domain/contracts/version.ts'
import { loadConfig, type Config } from '../platform/config.ts'
import { NoContractError, readContracts } from '../platform/contract-file.ts'
import { configuredSources } from '../platform/sources.ts'
import { publishedShops } from '../schedules/published-shops.ts'
import { findDag } from '../schedules/schedules.ts'
import { contractsNamed } from './contract-named.ts'
import { describeWithSla } from './describe-contracts.ts'
import { CommandFailed, UsageError } from './exit-codes.ts'
import { tasksByPart } from './plan-days.ts'
import { printJson, printLine, printTable, type Cell } from './print.ts'

interface Flags {
  against: string
  json?: true
}

/** What reads a column: `parts` of the day by the tasks that make them. */
type ReadBy = Omit<Consumers, 'parts'> & { readonly tasks: readonly string[] }

export interface ContractDiff {
  readonly source: string
  readonly versions: {
    readonly before: string
    readonly now: string
    /** The part that has to move; null when nothing changed. */
    readonly toMove: VersionPart | null
    readonly isMoved: boolean
    /** The first version in which it is. */
    readonly next: string
  }
  readonly changes: readonly (Change & { readonly consumers: ReadBy | null })[]
}

/** Compares the shipped contracts with exported, older ones. */
export async function diffShipped(source: string | undefined, { against, json }: Flags) {
  const config = loadConfig()
  const contracts = contractsNamed(allContracts(config.shopTimeZone), source)
  const exported = await readExported(against)
  const older = (name: string) => exported.find((contract) => contract.source === name)
  if (source !== undefined && !older(source)) {
    const known = exported.map((contract) => contract.source).join(', ')
    throw new UsageError(`error: ${against} has no contract of ${source}; it has ${known}`)
  }
  const diffs: ContractDiff[] = []
  for (const contract of contracts) {
    const before = older(contract.source)
    if (before) diffs.push(await diffContract(before, contract, config))
  }
  const names = contracts.map((contract) => contract.source)
  const added = names.filter((name) => !older(name))
  const removed =
    source === undefined
      ? exported.map((contract) => contract.source).filter((name) => !names.includes(name))
      : []
  if (json) printJson({ sources: diffs, added, removed })
  else printDiffs(diffs, added, removed)
  refuseUnmoved(diffs, removed)
}

async function readExported(path: string): Promise<ContractData[]> {
  try {
    return await readContracts(path)
  } catch (error) {
    if (error instanceof NoContractError) throw new UsageError(`error: ${error.message}`)
    throw error
  }
}

/** What changed from an exported contract to a contract of the code, and whom it hits. */
export async function diffContract(
  before: ContractData,
  contract: Contract,
  config: Config,
): Promise<ContractDiff> {
  const now = describeWithSla(contract)
  const changes = diffContracts(before, now)
  const toMove = partToMove(changes.map(({ effect }) => effect))
  const withConsumers = changes.map(async (change) => ({
    ...change,
    consumers: change.column === null ? null : await readersOf(contract, change.column, config),
  }))
  return {
    source: now.source,
    versions: {
      before: before.version,
      now: now.version,
      toMove,
      isMoved: toMove === null || isMoved(before.version, now.version, toMove),
      next: toMove === null ? before.version : nextVersion(before.version, toMove),
    },
    changes: await Promise.all(withConsumers),
  }
}

async function readersOf(contract: Contract, column: string, config: Config): Promise<ReadBy> {
  const { parts, ...consumers } = await consumersOf(contract, column)
  const shop = publishedShops().find(({ shopId }) => shopId === contract.shopId)
  const dag = shop && findDag(shop.dagId)
  const tasks = dag ? tasksByPart(dag.graph, configuredSources(config)) : new Map<string, string>()
  return { ...consumers, tasks: parts.flatMap((part) => tasks.get(part) ?? []) }
}

function printDiffs(
  diffs: readonly ContractDiff[],
  added: readonly string[],
  removed: readonly string[],
): void {
  for (const name of added) printLine(`${name}: a new source, harmless`)
  for (const name of removed) printLine(`${name}: the source is gone, breaking`)
  for (const diff of diffs) printDiff(diff)
}

function printDiff({ source, versions, changes }: ContractDiff): void {
  const { before, now, toMove, next } = versions
  if (changes.length === 0) return printLine(`${source} ${before} → ${now}: nothing changed`)
  const verdict = versions.isMoved
    ? `the ${toMove} version is moved, as it has to be`
    : `the ${toMove} version has to move, to ${next} at least`
  printLine(`${source} ${before} → ${now}: ${verdict}\n`)
  const rows = changes.map((change): Cell[] => [
    ...[change.effect, change.what, change.kind, change.before, change.now],
  ])
  printTable(['effect', 'what', 'change', 'before', 'now'], rows, '')
  const columns = new Map(changes.map(({ column, consumers }) => [column, consumers]))
  for (const [column, consumers] of columns) {
    if (column !== null && consumers !== null) printConsumers(column, consumers)
  }
  printLine()
}

function printConsumers(column: string, consumers: ReadBy): void {
  printLine(`\n${column} is read by`)
  for (const [kind, names] of Object.entries(consumers)) {
    if (names.length > 0) printLine(`  ${kind.padEnd(8)} ${names.join(', ')}`)
  }
}

function refuseUnmoved(diffs: readonly ContractDiff[], removed: readonly string[]): void {
  const unmoved = diffs
    .filter(({ versions }) => versions.toMove === 'major' && !versions.isMoved)
    .map(({ source, versions }) => `${source} has to become ${versions.next}`)
  const gone = removed.map((name) => `${name} is gone`)
  if (unmoved.length + gone.length === 0) return
  throw new CommandFailed(
    `Breaking without a new major version: ${[...unmoved, ...gone].join('; ')}`,
  )
}
