import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { Argument, InvalidArgumentError, Option } from 'commander'
import { datasetsIn, problemsOfName } from '../dag/datasets.ts'
import { recordEventByHand, registerConsumer } from '../platform/datasets.ts'
import { allDags } from '../schedules/schedules.ts'
import { jsonOption, parseDate } from './arguments.ts'
import { withDatabase, withServers } from './connect.ts'
import type { Signed } from './intervene.ts'
import { signatureOf } from './intervene.ts'
import { instant, printJson, printLine, printTable } from './print.ts'
import type { DatasetsReport } from './read-datasets.ts'
import { readDatasets } from './read-datasets.ts'

/** `daybook datasets` and `daybook datasets event`. */
export function registerDatasets(program: Command): void {
  const command = program
    .command('datasets')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  daybook datasets
  daybook datasets event warehouse.orders --date 2025-12-13 --reason "loaded by hand"`,
    )
    .action(async ({ json }: { json?: true }) => {
      const report = await withDatabase((database) => readDatasets(database, allDags, Date.now()))
      if (json) printJson(report)
      else printReport(report)
    })
  command
    .command('event')
    .addArgument(new Argument('<dataset>', 'its name').argParser(parseName))
    .description('record that a day of a dataset was written, and start what waited for it')
    .addOption(
      new Option('--date <date>', 'which day of it').argParser(parseDate).makeOptionMandatory(),
    )
    .addOption(new Option('--reason <text>', 'why: it is kept with the event').default(''))
    .addOption(new Option('--by <name>', 'who says so (default: the user of this machine)'))
    .action(recordEvent)
}

function parseName(name: string): string {
  const [problem] = problemsOfName(name)
  if (problem === undefined) return name
  throw new InvalidArgumentError(`${problem}.`)
}

async function recordEvent(dataset: string, flags: Signed & { date: string }): Promise<void> {
  const { date } = flags
  const consumers = allDags.filter(
    ({ datasets }) => datasets && datasetsIn(datasets).includes(dataset),
  )
  await withServers(async ({ client, config, database }) => {
    for (const { id } of consumers) await registerConsumer(database, id, [dataset])
    await recordEventByHand(database, { dataset, date, ...signatureOf(flags) })
    if (consumers.length === 0) return
    await client.workflow.start('start_consumers', {
      ...{ workflowId: `start_consumers/${randomUUID()}`, taskQueue: config.temporal.taskQueue },
    })
  })
  const names = consumers.map(({ id }) => id).join(', ')
  printLine(`${dataset} of ${date}: recorded. DAGs that wait for it: ${names || 'none'}.`)
}

function printReport({ datasets, waits }: DatasetsReport): void {
  const rows = datasets.map((row) => [
    row.dataset,
    row.written_by.join(', ') || null,
    row.consumers.map(({ dag_id, datasets }) => `${dag_id}: ${datasets}`).join(', ') || null,
    ...[row.events, row.latest?.date, instant(row.latest?.recorded_at ?? null), row.latest?.by],
  ])
  const titles = ['dataset', 'written by', 'starts', 'events', 'latest', 'recorded (UTC)', 'by']
  printTable(titles, rows, 'No DAG has a dataset, and no event is recorded.')
  if (waits.length === 0) return
  printLine()
  const words = 'all is there: its run starts now, or when the one that goes on has ended'
  printTable(
    ['dag', 'date', 'waits for'],
    waits.map(({ dagId, date, missing }) => [dagId, date, missing ?? words]),
    '',
  )
}
