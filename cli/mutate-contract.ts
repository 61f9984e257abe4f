import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generatedDate, generateGoodDays, historyOf } from '../data/mutants/good-day.ts'
import { writeMutants, type WrittenMutant } from '../data/mutants/write-mutants.ts'
import type { Contract } from '../domain/contracts/contract.ts'
import { sampleShopContracts } from '../domain/contracts/sample-shop.ts'
import {
  judgeMutant,
  mutationGoal,
  mutationScore,
  type JudgedMutant,
} from '../domain/mutation-score.ts'
import { loadConfig, type Config } from '../platform/config.ts'
import { findDatabaseUrl } from '../platform/embedded/find-stack.ts'
import type { JudgedDelivery, JudgeJob } from '../platform/judged-delivery.ts'
import { withScratchDatabase } from '../platform/scratch-database.ts'
import { contractsNamed } from './contract-named.ts'
import { CommandFailed, UsageError } from './exit-codes.ts'
import { judgeDeliveries } from './judge-deliveries.ts'
import { findDeliveredDays } from './landing-zone.ts'
import { printJson, printLine, printTable } from './print.ts'
import { createProgress } from './progress.ts'
import { withSession } from './session.ts'

export interface MutateFlags {
  seed: number
  date?: string
  json?: true
}

/** Spoils a good day in every typed way, and says which of them the contracts let through. */
export async function mutateContract(source: string | undefined, flags: MutateFlags) {
  const config = loadConfig()
  const contracts = contractsNamed(Object.values(sampleShopContracts(config.shopTimeZone)), source)
  const databaseUrl = await findDatabaseUrl(config)
  const say = (line: string) => console.error(line)
  const judged = await withSession(say, (session) => {
    const measured = measure({ config, contracts, databaseUrl, flags, signal: session.signal })
    // It takes its database and its folder away before the process ends.
    session.add({ stop: () => measured.catch(() => undefined) })
    return measured
  })
  report(judged, flags)
}

interface Measuring {
  readonly config: Config
  readonly contracts: readonly Contract[]
  readonly databaseUrl: string
  readonly flags: MutateFlags
  /** Ends it at its next step. */
  readonly signal: AbortSignal
}

async function measure(measuring: Measuring): Promise<JudgedMutant[]> {
  const { config, contracts, databaseUrl, flags, signal } = measuring
  const folder = await mkdtemp(join(tmpdir(), 'daybook-mutants-'))
  try {
    const day = await takeGoodDay(config, flags, join(folder, 'good'))
    const mutants = await writeMutants({ ...day, contracts, seed: flags.seed, out: folder })
    if (mutants.length === 0) {
      throw new UsageError(`error: nothing was delivered on ${day.date} that could be spoilt`)
    }
    signal.throwIfAborted()
    return await withScratchDatabase(databaseUrl, (scratchUrl, ownerGone) => {
      const job = {
        databaseUrl: scratchUrl,
        timeZone: config.shopTimeZone,
        history: { landingDir: day.goodDir, dates: day.history },
        date: day.date,
        deliveries: [...goodDeliveries(config, day.goodDir), ...mutants],
      }
      return judgeAll(mutants, job, AbortSignal.any([signal, ownerGone]))
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface GoodDays {
  readonly goodDir: string
  readonly date: string
  readonly history: string[]
}

async function takeGoodDay(config: Config, flags: MutateFlags, folder: string): Promise<GoodDays> {
  if (flags.date === undefined) {
    await generateGoodDays(folder, flags.seed)
    return { goodDir: folder, date: generatedDate, history: historyOf(generatedDate) }
  }
  const delivered = new Set(await findDeliveredDays(config.landingDir))
  if (!delivered.has(flags.date)) {
    throw new UsageError(`error: ${config.landingDir} has no delivery of ${flags.date}`)
  }
  const history = historyOf(flags.date).filter((date) => delivered.has(date))
  return { goodDir: config.landingDir, date: flags.date, history }
}

/** The catalogue first: orders and events are held to it. */
function goodDeliveries(config: Config, goodDir: string): JudgeJob['deliveries'] {
  const { products, orders, events } = sampleShopContracts(config.shopTimeZone)
  return [products, orders, events].map(({ source }) => ({
    id: source,
    source,
    landingDir: goodDir,
  }))
}

async function judgeAll(
  mutants: readonly WrittenMutant[],
  job: JudgeJob,
  signal: AbortSignal,
): Promise<JudgedMutant[]> {
  const progress = createProgress(mutants.length)
  progress.finished(`${mutants.length} mutants, after ${job.history.dates.length} days before them`)
  const byId = new Map(mutants.map((mutant) => [mutant.id, mutant]))
  const good = new Map<string, JudgedDelivery['outcome']>()
  const judged: JudgedMutant[] = []
  for await (const { id, outcome } of judgeDeliveries(job, signal)) {
    const mutant = byId.get(id)
    const goodOutcome = mutant && good.get(mutant.source)
    if (!mutant) good.set(id, outcome)
    if (!mutant || !goodOutcome) continue
    judged.push(judgeMutant(mutant, outcome, goodOutcome))
    progress.step(judged.length, id)
  }
  progress.end()
  return judged
}

function report(judged: readonly JudgedMutant[], { json }: MutateFlags): void {
  const score = mutationScore(judged)
  const survived = judged.filter(({ verdict }) => verdict === 'survived')
  if (json) printJson({ score, goal: mutationGoal, mutants: judged })
  else printReport(judged)
  if (score !== null && score >= mutationGoal) return
  throw new CommandFailed(
    `The contracts let ${survived.length} of ${judged.length} mutants through; the goal is ` +
      `${mutationGoal * 100} % caught`,
  )
}

function printReport(judged: readonly JudgedMutant[]): void {
  const sources = [...new Set(judged.map(({ source }) => source))]
  const rows = [...sources, 'all'].map((source) => {
    const mutants = judged.filter((each) => source === 'all' || each.source === source)
    const count = (verdict: string) => mutants.filter((each) => each.verdict === verdict).length
    const kinds = new Set(mutants.map(({ kind }) => kind)).size
    const score = `${((mutationScore(mutants) ?? 0) * 100).toFixed(1)} %`
    return [
      source,
      kinds,
      mutants.length,
      count('caught'),
      count('harmless'),
      count('survived'),
      score,
    ]
  })
  const titles = [
    'source',
    'ways',
    'mutants',
    'caught',
    'harmless',
    'survived',
    'caught of harmful',
  ]
  printTable(titles, rows, '')
  printLine()
  const survivors = judged.filter(({ verdict }) => verdict === 'survived')
  printTable(
    ['survived: no rule and no check said anything'],
    survivors.map(({ id }) => [id]),
    'Nothing survived.',
  )
}
