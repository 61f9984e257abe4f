import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DefaultLogger, Runtime } from '@temporalio/worker'
import type { Books } from './books.ts'
import type { RoundOptions, RoundResult, Scenario } from './round.ts'
import { playRound } from './round.ts'
import { scenarios } from './scenarios.ts'
import { deliverWeek } from './shop.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly minutes: number
  readonly orders: number
  readonly kills?: number | undefined
  readonly only?: string | undefined
  readonly json: boolean
}

const usualKills = { storm: 25, other: 4 }
const quietWeek: Scenario = { name: 'undisturbed', faults: 'none', strike: async () => undefined }

/** Plays the rounds and prints each. False when something did not hold. */
export async function runChaos(options: ChaosOptions): Promise<boolean> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] })
  const folder = await mkdtemp(join(tmpdir(), 'daybook-chaos-week-'))
  const say = options.json ? console.error : console.log
  try {
    const landingDir = await deliverWeek(folder, options)
    const common = { landingDir, cacheDir: join(folder, 'bundles'), log: logTo(say) }
    const results: RoundResult[] = []
    const play = async (scenario: Scenario, seed: number, undisturbed?: Books) => {
      const kills =
        options.kills ?? (scenario.name === 'storm' ? usualKills.storm : usualKills.other)
      const round = { ...common, scenario, seed, kills, undisturbed, keepsFailed: true }
      const result = await playOrReport(round, options, say)
      if (result !== undefined) results.push(result)
      return result
    }
    say(`${quietWeek.name}: what all rounds are held against`)
    const quiet = await play(quietWeek, options.seed)
    if (quiet === undefined) return false
    const isSound = await playRounds(options, say, (scenario, seed) =>
      play(scenario, seed, quiet.books),
    )
    return summarise(results, options, say) && isSound
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Say = (line: string) => void

function logTo(say: Say): Say {
  const startedAt = performance.now()
  return (line) =>
    say(`  ${((performance.now() - startedAt) / 1000).toFixed(1).padStart(7)} s  ${line}`)
}

/** Each scenario once, then storms with further seeds while there is time. False if one broke off. */
async function playRounds(
  { only, seed, minutes }: ChaosOptions,
  say: Say,
  play: (scenario: Scenario, seed: number) => Promise<RoundResult | undefined>,
): Promise<boolean> {
  const deadline = Date.now() + minutes * 60_000
  const chosen = scenarios.filter(({ name }) => only === undefined || name === only)
  let isSound = true
  for (const scenario of chosen) {
    const missing = await scenario.missing?.()
    if (missing !== undefined) say(`${scenario.name}: left out: ${missing}`)
    else if (Date.now() < deadline) isSound = (await play(scenario, seed)) !== undefined && isSound
  }
  const [storm] = scenarios
  for (let round = 1; only === undefined && Date.now() < deadline; round += 1) {
    if (storm === undefined) break
    isSound = (await play(storm, seed + round)) !== undefined && isSound
  }
  return isSound
}

/** Undefined when the round broke off. */
async function playOrReport(
  round: RoundOptions,
  { orders }: ChaosOptions,
  say: Say,
): Promise<RoundResult | undefined> {
  const { scenario, seed, kills } = round
  const replay = `npm run chaos -- --seed ${seed} --only ${scenario.name} --orders ${orders} --kills ${kills}`
  say(`${scenario.name}: ${scenario.faults} (seed ${seed})`)
  try {
    const result = await playRound(round)
    say(describe(result))
    for (const problem of result.problems) say(`  DOES NOT HOLD: ${problem}`)
    if (result.problems.length > 0) say(`  replay: ${replay}`)
    return result
  } catch (error) {
    say(`  BROKE OFF: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    say(`  replay: ${replay}`)
    return undefined
  }
}

function describe({ seconds, kills, deeds, interventions, mails, problems }: RoundResult): string {
  const verdict = problems.length === 0 ? 'holds' : `${problems.length} PROBLEMS`
  const struck = Object.entries(deeds).map(([deed, count]) => `${count} x ${deed}`)
  const { backfills, cleared } = interventions
  return (
    `  ${verdict}: ${seconds} s, ${kills} kills (${struck.join(', ') || 'nothing done'}); ` +
    `${backfills} backfills, ${cleared} tasks cleared; ` +
    `${mails.written} mails, ${mails.repeated} repeated under their Message-ID`
  )
}

/** True when everything holds in all rounds that came to their end. */
function summarise(results: readonly RoundResult[], options: ChaosOptions, say: Say): boolean {
  const rounds = results.filter(({ name }) => name !== quietWeek.name)
  const sum = (count: (result: RoundResult) => number) =>
    rounds.reduce((total, result) => total + count(result), 0)
  const problems = sum((result) => result.problems.length)
  say(
    `${rounds.length} rounds, ${sum(({ kills }) => kills)} kills, ` +
      `${Math.round(sum(({ seconds }) => seconds) / 60)} minutes, seed ${options.seed}: ` +
      (problems === 0 ? 'what was inspected holds' : `${problems} PROBLEMS`),
  )
  if (options.json) console.log(JSON.stringify({ seed: options.seed, rounds: results }))
  return problems === 0
}
