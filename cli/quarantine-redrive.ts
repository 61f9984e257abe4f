import { runKeyOf } from '../dag/resolve-run.ts'
import { startRun } from '../schedules/start-run.ts'
import type { Connections } from './connect.ts'
import { withDatabase, withServers } from './connect.ts'
import type { EndOfRun } from './end-of-run.ts'
import { assertSucceeded, endOfRun } from './end-of-run.ts'
import { CommandFailed } from './exit-codes.ts'
import { followDays, startToFollow, wordsFor } from './follow-days.ts'
import { assertKnownDag } from './known-dag.ts'
import { visible } from '../domain/records/visible-text.ts'
import { printJson, printLine, printTable } from './print.ts'
import type { ChosenDays, Waiting } from './quarantine-days.ts'
import { readWaiting } from './quarantine-days.ts'

interface Flags extends ChosenDays {
  dryRun?: true
  json?: true
}

export async function redriveDays(flags: Flags): Promise<void> {
  if (flags.dryRun) {
    const waiting = await withDatabase((database) => readWaiting(database, flags))
    return flags.json ? printJson({ waiting, runs: [] }) : printWaiting(waiting)
  }
  await withServers((to) => redrive(to, flags))
}

async function redrive(to: Connections, flags: Flags): Promise<void> {
  const waiting = await readWaiting(to.database, flags)
  if (!flags.json) printWaiting(waiting)
  let ended = await runDays(to, daysOf(waiting))
  let left = leftOf(waiting, await readWaiting(to.database, flags))
  // A run that went on already may have judged its records before the fix was made.
  const isBehind = left.length > 0 && ended.every(({ end }) => end.state === 'success')
  if (isBehind) {
    ended = [...ended, ...(await runDays(to, daysOf(left)))]
    left = leftOf(waiting, await readWaiting(to.database, flags))
  }
  if (flags.json) printJson({ waiting, runs: ended.map(inJson), left })
  assertSucceeded(ended.map(({ end }) => end))
  if (left.length > 0) {
    const records = left.map(({ record }) => visible(record)).join(', ')
    throw new CommandFailed(`The runs succeeded, but the books do not have ${records}`)
  }
  if (!flags.json) for (const { run } of ended) printLine(`${run} is done: \`daybook show ${run}\``)
}

function printWaiting(waiting: readonly Waiting[]): void {
  const rows = waiting.map(({ load_date, record, action, made_by, reason }) => [
    ...[load_date, visible(record), action, visible(made_by), visible(reason)],
  ])
  const titles = ['delivered', 'record', 'decision', 'by', 'reason']
  printTable(titles, rows, 'Nothing that was fixed or dropped waits for a run.')
}

interface Day {
  readonly dagId: string
  readonly date: string
}

/** The days to run, each once, oldest first. */
function daysOf(waiting: readonly Waiting[]): Day[] {
  const days = new Map<string, Day>()
  for (const { record, dag_id: dagId, load_date: date } of waiting) {
    if (dagId === null) {
      throw new CommandFailed(
        `The run that booked the file of ${record} is not on record: run ${date}`,
      )
    }
    assertKnownDag(dagId)
    days.set(`${dagId}/${date}`, { dagId, date })
  }
  return [...days.values()]
}

/** What waited and waits still. */
function leftOf(before: readonly Waiting[], now: readonly Waiting[]): Waiting[] {
  const records = new Set(before.map(({ record, load_date }) => `${load_date} ${record}`))
  return now.filter(({ record, load_date }) => records.has(`${load_date} ${record}`))
}

interface EndedDay {
  readonly run: string
  readonly end: EndOfRun
}

async function runDays(to: Connections, days: readonly Day[]): Promise<EndedDay[]> {
  const { taskQueue } = to.config.temporal
  const started = await startToFollow(wordsFor(days.map(runKeyOfDay)), () =>
    Promise.all(
      days.map(async (day) => ({ day, handle: await startRun(to.client, { ...day, taskQueue }) })),
    ),
  )
  const ended: EndedDay[] = []
  for (const [dagId, runs] of Map.groupBy(started, ({ day }) => day.dagId)) {
    const dates = runs.map(({ day }) => day.date)
    const followed = { dagId, dates, ...wordsFor(runs.map(({ day }) => runKeyOfDay(day))) }
    const ends = await followDays(to, followed, (through) =>
      Promise.all(
        runs.map(async ({ handle }) => ({
          run: handle.workflowId,
          end: await endOfRun(handle, through),
        })),
      ),
    )
    ended.push(...ends)
  }
  return ended
}

function runKeyOfDay({ dagId, date }: Day): string {
  return runKeyOf(dagId, date)
}

function inJson({ run, end }: EndedDay) {
  return { run, state: end.state, ...(end.state === 'failed' && { error: end.error }) }
}
