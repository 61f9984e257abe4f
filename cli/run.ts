import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import type { Command } from 'commander'
import { runKeyOf } from '../dag/resolve-run.ts'
import type { Database } from '../platform/database.ts'
import { forgetFingerprints } from '../platform/fingerprints.ts'
import { publishedShops } from '../schedules/published-shops.ts'
import { startRun } from '../schedules/start-run.ts'
import { dagOption, jsonOption, parseDate, parseParams } from './arguments.ts'
import type { Connections } from './connect.ts'
import { withServers } from './connect.ts'
import type { EndOfRun } from './end-of-run.ts'
import { assertSucceeded, endOfRun } from './end-of-run.ts'
import { UsageError } from './exit-codes.ts'
import { followDays, startToFollow, wordsFor } from './follow-days.ts'
import { assertKnownDag } from './known-dag.ts'
import { printJson, printLine } from './print.ts'

interface Flags {
  dag: string
  json?: true
  fullRefresh?: true
  params?: Record<string, unknown>
}

export function registerRun(program: Command): void {
  program
    .command('run')
    .argument('<date>', 'logical date, YYYY-MM-DD', parseDate)
    .addOption(dagOption())
    .option('--full-refresh', 'make everything anew, also what is up to date')
    .option('--params <json>', 'params of the run, as {"times":2}', parseParams)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
What is up to date is not made again; \`daybook plan DATE\` says beforehand what would be.
Exits with 1 if the run fails. Ctrl-C leaves the run running: \`daybook show DATE\` looks after it.

Examples:
  daybook run 2025-12-13
  daybook run 2011-11-14 --dag online_retail_daily --json
  daybook run 2025-12-13 --full-refresh
  daybook run 2025-12-13 --dag my_dag --params '{"times":2}'`,
    )
    .action(async (date: string, flags: Flags) => {
      assertKnownDag(flags.dag)
      await withServers((to) => runDay(to, date, flags))
    })
}

async function begin({ client, config }: Connections, date: string, { dag, params }: Flags) {
  const { taskQueue } = config.temporal
  try {
    return await startRun(client, { dagId: dag, date, taskQueue, ...(params && { params }) })
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    const run = runKeyOf(dag, date)
    throw new UsageError(
      `${run} goes on with params of its own; change them with \`daybook clear ${run} --params '…'\``,
    )
  }
}

async function runDay(to: Connections, date: string, flags: Flags): Promise<void> {
  if (flags.fullRefresh) await forgetDay(to.database, flags.dag, date)
  const run = runKeyOf(flags.dag, date)
  const words = wordsFor([run])
  const handle = await startToFollow(words, () => begin(to, date, flags))
  const followed = { dagId: flags.dag, dates: [date], ...words }
  const end = await followDays(to, followed, (through) => endOfRun(handle, through))
  if (flags.json) printJson(inJson(run, end))
  else if (end.state === 'success') printLine(`${run} is done: \`daybook show ${run}\``)
  assertSucceeded([end])
}

/** A run that goes on already makes anew what it has not come to. */
async function forgetDay(database: Database, dagId: string, date: string): Promise<void> {
  for (const shop of publishedShops().filter((published) => published.dagId === dagId)) {
    await forgetFingerprints(database, shop.shopId, date)
  }
}

function inJson(run: string, end: EndOfRun) {
  if (end.state === 'success') return { run, state: end.state, result: end.result }
  return { run, state: end.state, error: end.error }
}
