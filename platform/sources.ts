import { join } from 'node:path'
import type { Contract } from '../domain/contracts/contract.ts'
import { onlineRetailContract } from '../domain/contracts/online-retail.ts'
import { sampleShopContracts } from '../domain/contracts/sample-shop.ts'
import type { Config } from './config.ts'
import { listFolder, type FilePattern } from './landing/find-files.ts'
import type { UnpackLimits } from './landing/unpack.ts'

/** A source: what its records are (contract) and where a day's files lie. */
export interface Source {
  readonly contract: Contract
  readonly files: (date: string) => FilePattern
  /** Words for the person who has to deliver: what is expected where. */
  readonly expected: (date: string) => string
  /** Days that its landing zone names, in no order; empty where days have no place of their own. */
  readonly deliveredDays: () => Promise<string[]>
  /** URL of an HTTP API that gives the day's records when no file does. */
  readonly url?: string
  /** A day without a file is no failure: what was delivered last stays in force. */
  readonly isOptional?: boolean
  readonly unpackLimits: UnpackLimits
}

/** What a source is before the settings that all of them share. */
type ListedSource = Omit<Source, 'unpackLimits'>

export type Sources = ReadonlyMap<string, Source>

/** Every source this installation knows, by name. To add one, write its contract and list it here. */
export function configuredSources(config: Config): Sources {
  const { orders, events, products } = sampleShopContracts(config.shopTimeZone)
  const landing = config.landingDir
  const sources: ListedSource[] = [
    dated(orders, landing, 'orders', /^[^.].*\.(json|jsonl|ndjson)(\.gz)?$/s, 'orders.json'),
    dated(events, landing, 'events', /^[^.].*\.csv(\.gz)?$/s, 'events.csv'),
    {
      contract: products,
      isOptional: true,
      files: (date) => ({
        root: landing,
        folder: 'products',
        fileName: new RegExp(`^products_(${weekUntil(date).join('|')})\\.json(\\.gz)?$`),
      }),
      expected: (date) => `${landing}/products/products_${date}.json`,
      deliveredDays: () => Promise.resolve([]),
      ...(config.productsApiUrl ? { url: config.productsApiUrl } : {}),
    },
    {
      contract: onlineRetailContract(),
      files: (date) => ({
        root: config.onlineRetailDir,
        folder: '.',
        fileName: new RegExp(`^${date}\\.csv(\\.gz)?$`),
      }),
      expected: (date) => `${config.onlineRetailDir}/${date}.csv`,
      deliveredDays: () => daysNamedIn(config.onlineRetailDir, /^(\d{4}-\d{2}-\d{2})\.csv(\.gz)?$/),
    },
  ]
  const { unpackLimits } = config
  return new Map(sources.map((source) => [source.contract.source, { ...source, unpackLimits }]))
}

function dated(
  contract: Contract,
  root: string,
  folder: string,
  fileName: RegExp,
  example: string,
): ListedSource {
  return {
    contract,
    files: (date) => ({ root, folder: `${folder}/${date}`, fileName }),
    expected: (date) => `${root}/${folder}/${date}/${example}`,
    deliveredDays: () => daysNamedIn(join(root, folder), /^(\d{4}-\d{2}-\d{2})$/),
  }
}

/** The days that names in a folder name; a folder that is not there names none. */
async function daysNamedIn(folder: string, name: RegExp): Promise<string[]> {
  const names = await listFolder(folder)
  return names.flatMap((candidate) => name.exec(candidate)?.[1] ?? [])
}

const dayMs = 86_400_000

/** A catalogue holds for a week: a day may still bring one of the days before it. */
function weekUntil(date: string): string[] {
  const last = Date.parse(date)
  return Array.from({ length: 7 }, (_, back) =>
    new Date(last - back * dayMs).toISOString().slice(0, 10),
  )
}
