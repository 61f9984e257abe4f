import type { Command } from 'commander'
import { loadConfig } from '../platform/config.ts'
import { describeAddresses } from './addresses.ts'
import { defaultDag, jsonOption } from './arguments.ts'
import type { DaySummary } from './daily-summary.ts'
import { failedDays, formatSummary, readSummary } from './daily-summary.ts'
import { CommandFailed } from './exit-codes.ts'
import { bookFirstDays } from './first-days.ts'
import { printJson, printLine } from './print.ts'
import { withSession } from './session.ts'
import type { Say } from './start-daybook.ts'
import { startDaybook } from './start-daybook.ts'

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
The same as \`daybook up\`, but it ends after the summary: with 0 if every day is booked, with 1 if
one failed. State is kept in DAYBOOK_HOME (.daybook), so that \`npm start\` goes on from there.

Examples:
  daybook demo
  npm run --silent demo -- --json`,
    )
    .action(({ json }: { json?: true }) => runDemo(json === true))
}

async function runDemo(isJson: boolean): Promise<void> {
  const say: Say = isJson ? (line) => console.error(line) : printLine
  const config = loadConfig()
  const startedAt = performance.now()
  const days = await withSession(say, async (session) => {
    say('Starting Daybook')
    const daybook = await startDaybook(config, session, say)
    await bookFirstDays(daybook, say)
    const summary = await readSummary(daybook.database, defaultDag)
    say(`\n${defaultDag}\n${formatSummary(summary)}\n\n${describeAddresses(daybook)}`)
    return summary
  })
  const seconds = Math.round((performance.now() - startedAt) / 100) / 10
  if (isJson) printJson({ dag: defaultDag, days, seconds })
  say(`\nDone in ${seconds} s. \`npm start\` keeps it running.`)
  assertAllBooked(days)
}

function assertAllBooked(days: DaySummary[]): void {
  if (days.length === 0) throw new CommandFailed('No day was booked')
  const failed = failedDays(days)
  if (failed.length === 0) return
  const list = failed.map((day) => `${day.date} (${day.state})`).join(', ')
  const what = failed.length === 1 ? '1 day is' : `${failed.length} days are`
  throw new CommandFailed(`${what} not booked: ${list}; see \`daybook show DATE\``)
}
