import type { Command } from 'commander'
import { loadConfig } from '../platform/config.ts'
import { describeAddresses } from './addresses.ts'
import { defaultDag, jsonOption } from './arguments.ts'
import { formatSummary, readSummary } from './daily-summary.ts'
import { bookFirstDays } from './first-days.ts'
import { printJson, printLine } from './print.ts'
import type { Session } from './session.ts'
import { Interrupted, withSession } from './session.ts'
import type { Daybook, Say } from './start-daybook.ts'
import { startDaybook } from './start-daybook.ts'

export function registerUp(program: Command): void {
  program
    .command('up')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Starts PostgreSQL and Temporal (unless DATABASE_URL and TEMPORAL_ADDRESS point to servers), applies
migrations, starts the worker and the schedules. An empty landing zone is filled with 14 days of a
sample shop. State is kept in DAYBOOK_HOME (.daybook).

Examples:
  daybook up
  LANDING_DIR=/srv/deliveries daybook up`,
    )
    .action(({ json }: { json?: true }) => runUp(json === true))
}

async function runUp(isJson: boolean): Promise<void> {
  const say: Say = isJson ? (line) => console.error(line) : printLine
  const config = loadConfig()
  let isReady = false
  try {
    await withSession(say, async (session) => {
      say('Starting Daybook')
      const daybook = await startDaybook(config, session, say)
      await bookFirstDays(daybook, say)
      await presentUp(daybook, isJson)
      isReady = true
      await stayUp(say, session)
    })
  } catch (error) {
    if (!isReady || !(error instanceof Interrupted)) throw error
    say('Stopped. Everything is kept.')
  }
}

async function presentUp(daybook: Daybook, isJson: boolean): Promise<void> {
  const days = await readSummary(daybook.database, defaultDag)
  if (isJson) return printJson({ days, temporalUiUrl: daybook.stack.temporalUiUrl ?? null })
  if (days.length > 0) printLine(`\n${defaultDag}\n${formatSummary(days)}`)
  printLine(`\n${describeAddresses(daybook)}`)
}

async function stayUp(say: Say, { interruption }: Session): Promise<void> {
  say('\nDaybook is up. Ctrl-C stops it; its state is kept.')
  const alive = setInterval(() => undefined, 60_000)
  try {
    await interruption
  } finally {
    clearInterval(alive)
  }
}
