import { Random } from '../data/generator/random.ts'
import type { Books } from './books.ts'
import { differencesOf, readBooks } from './books.ts'
import { findDoubles, findLeftovers, findProcessesOf } from './leftovers.ts'
import { accountForMails, drainOutbox } from './mails.ts'
import type { Interventions, Range } from './on-call.ts'
import { bringDaysHome } from './on-call.ts'
import { eventually, persist } from './persist.ts'
import type { ChaosServers, ChaosServersOptions } from './servers.ts'
import { removeHome, startChaosServers } from './servers.ts'
import { dates } from './shop.ts'

/** What a scenario has to strike with. */
export interface Strike {
  readonly servers: ChaosServers
  readonly random: Random
  /** Aborted when the days are home: what has not been struck by then is left alone. */
  readonly signal: AbortSignal
  /** Kills that the scenario is to make at most. */
  readonly kills: number
  /** Says what was done, and counts it. */
  tell(deed: string): void
}

/** A way in which a week is disturbed. */
export interface Scenario {
  readonly name: string
  /** Faults that it stages, in words. */
  readonly faults: string
  /** Why it cannot be staged here; undefined when it can. */
  readonly missing?: () => Promise<string | undefined>
  /** What its servers need beside the usual. */
  readonly servers?: Pick<ChaosServersOptions, 'prepareHome' | 'workerEnvironment'>
  /** Undoes what was prepared in the home folder, when its servers are gone. */
  readonly clearHome?: (homeDir: string) => Promise<void>
  readonly ranges?: readonly Range[]
  /** Strikes until it has done all it wants or is told to stop; restores what it broke. */
  strike(on: Strike): Promise<void>
}

export interface RoundOptions extends ChaosServersOptions {
  readonly scenario: Scenario
  readonly seed: number
  readonly kills: number
  readonly undisturbed: Books | undefined
  /** Folders of rounds with problems stay for whoever looks for the cause. */
  readonly keepsFailed?: boolean
}

export interface RoundResult {
  readonly name: string
  readonly seed: number
  readonly seconds: number
  readonly kills: number
  readonly deeds: Readonly<Record<string, number>>
  readonly interventions: Interventions
  readonly mails: { readonly written: number; readonly repeated: number }
  readonly books: Books
  /** Empty when everything holds. */
  readonly problems: readonly string[]
}

const settleMs = 30_000
const wholeWeek: readonly Range[] = [{ from: dates[0], to: dates[6], concurrency: 2 }]

/** Books the week once under a scenario, then holds what there is against what must be. */
export async function playRound(options: RoundOptions): Promise<RoundResult> {
  const { scenario, seed, log } = options
  const startedAt = performance.now()
  const servers = await startChaosServers({ ...options, ...scenario.servers })
  const deeds: Record<string, number> = {}
  let found: Omit<RoundResult, 'name' | 'seed' | 'seconds' | 'kills' | 'deeds'> | undefined
  try {
    const home = new AbortController()
    const tell = (deed: string) => {
      deeds[deed] = (deeds[deed] ?? 0) + 1
      log(deed)
    }
    const random = new Random().seeded(seed)
    const { signal } = home
    const struck = scenario.strike({ servers, random, signal, tell, kills: options.kills })
    // What goes wrong in the striking must not go unseen while the days come home.
    struck.catch(() => undefined)
    const interventions = await bringDaysHome(servers, scenario.ranges ?? wholeWeek)
    home.abort()
    await struck
    found = { interventions, ...(await inspect(servers, options.undisturbed)) }
  } finally {
    await servers.stop()
    await scenario.clearHome?.(servers.homeDir)
    if (found === undefined) log(`what is left is in ${servers.homeDir}`)
  }
  const problems = [...found.problems, ...(await processesLeft(servers))]
  if (problems.length === 0 || options.keepsFailed !== true) await removeHome(servers)
  else log(`what is left is in ${servers.homeDir}`)
  const seconds = Math.round((performance.now() - startedAt) / 1_000)
  const kills = Object.entries(deeds)
    .filter(([deed]) => deed.startsWith('kill '))
    .reduce((sum, [, count]) => sum + count, 0)
  return { name: scenario.name, seed, seconds, kills, deeds, ...found, problems }
}

async function inspect(servers: ChaosServers, undisturbed: Books | undefined) {
  const { database, mail } = servers
  await drainOutbox(servers)
  // A worker may still be writing the end of what it last did.
  await eventually(async () => (await findLeftovers(database)).length === 0, settleMs)
  const left = await persist(() => findLeftovers(database))
  const doubles = await persist(() => findDoubles(database))
  const books = await persist(() => readBooks(database))
  const differences = undisturbed === undefined ? [] : differencesOf(undisturbed, books)
  const { problems, ...mails } = await persist(() => accountForMails(database, mail.taken))
  return { books, mails, problems: [...differences, ...left, ...doubles, ...problems] }
}

async function processesLeft({ homeDir }: ChaosServers): Promise<string[]> {
  // The watchdog ends a moment after it is let go.
  await eventually(async () => (await findProcessesOf(homeDir)).length === 0, settleMs)
  return (await findProcessesOf(homeDir)).map((found) => `process left: ${found}`)
}
