import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { Assignment } from '../domain/records/set-fields.ts'
import type { RecordId } from '../platform/quarantined-record.ts'
import { jsonOption, limitOption, parseDate } from './arguments.ts'
import { dropBadRecord, fixBadRecord } from './quarantine-fix.ts'
import { listQuarantine } from './quarantine-list.ts'
import { redriveDays } from './quarantine-redrive.ts'
import { showBadRecord } from './quarantine-show.ts'

export function registerQuarantine(program: Command): void {
  const quarantine = program.command('quarantine').addHelpText(
    'after',
    `
A record is named by its file and its place in it, as \`list\` prints it. --json is taken by every
subcommand. Nothing here edits a file or a raw record.

Examples:
  daybook quarantine --date 2025-12-13
  daybook quarantine --source orders --rule unit_price_min --json
  daybook quarantine show orders/2025-12-13/orders.json:17
  daybook quarantine fix orders/2025-12-13/orders.json:17 --set quantity=2 --reason "told by phone"
  daybook quarantine redrive`,
  )
  registerList(quarantine)
  registerShow(quarantine)
  registerFix(quarantine)
  registerDrop(quarantine)
  registerRedrive(quarantine)
}

function registerList(quarantine: Command): void {
  withDays(quarantine.command('list', { isDefault: true }))
    .description('count rejected records by source, day and rule, and list them with every rule')
    .option('--rule <rule>', 'only those that break this rule')
    .option('--open', 'only those that nobody has fixed or given up')
    .addOption(limitOption(50))
    .addOption(jsonOption())
    .action(listQuarantine)
}

function registerShow(quarantine: Command): void {
  recordCommand(quarantine, 'show')
    .description('show one record: every broken rule, and the raw text with the failing places')
    .action(showBadRecord)
}

function registerFix(quarantine: Command): void {
  signedCommand(quarantine, 'fix')
    .description('correct a record: it counts so from the next run of its day on')
    .addOption(
      new Option('--set <column=value...>', 'a new value; items[2].price=3 for a line of an order')
        .argParser(collectAssignments)
        .default([]),
    )
    .addOption(
      new Option('--record <text>', 'the whole text of the record').conflicts(['set', 'fromFile']),
    )
    .addOption(new Option('--from-file <path>', 'a file that holds it').conflicts('set'))
    .option('--dry-run', 'only judge it')
    .addHelpText(
      'after',
      `
A text that still breaks rules is refused with them (exit code 1), and nothing is kept.

Examples:
  daybook quarantine fix events/2025-12-13/events.csv:9 --set product_id=PRD-7 --reason "seen on the site"
  daybook quarantine fix orders/2025-12-13/orders.json:17 --from-file corrected.json --dry-run --reason "-"`,
    )
    .action(fixBadRecord)
}

function registerDrop(quarantine: Command): void {
  signedCommand(quarantine, 'drop')
    .description('give a record up: it stays counted as quarantined; a fix of it is taken back')
    .action(dropBadRecord)
}

function registerRedrive(quarantine: Command): void {
  withDays(quarantine.command('redrive'))
    .description(
      'run the days that have decisions which are not in the books, and wait for the end',
    )
    .option('--dry-run', 'only list them')
    .addOption(jsonOption())
    .action(redriveDays)
}

function recordCommand(quarantine: Command, name: string): Command {
  return quarantine
    .command(name)
    .argument('<record>', 'as orders/2025-12-13/orders.json:17', parseRecord)
    .addOption(
      dateOption('--date <date>', 'its delivery date, where several have a file of the name'),
    )
    .addOption(jsonOption())
}

function signedCommand(quarantine: Command, name: string): Command {
  return recordCommand(quarantine, name)
    .addOption(new Option('--reason <text>', 'why: it is kept').makeOptionMandatory())
    .addOption(new Option('--by <name>', 'who does it (default: the user of this machine)'))
}

function withDays(command: Command): Command {
  const isOneDay = dateOption('--date <date>', 'only of this delivery date')
  return command
    .addOption(isOneDay.conflicts(['from', 'to']))
    .addOption(dateOption('--from <date>', 'only of deliveries from this day on'))
    .addOption(dateOption('--to <date>', 'only of deliveries up to this day'))
    .option('--source <name>', 'only of this source, such as orders')
}

function dateOption(flags: string, description: string): Option {
  return new Option(flags, description).argParser(parseDate)
}

function parseRecord(text: string): RecordId {
  const parts = /^(.+):(\d{1,9})$/s.exec(text)
  if (parts?.[1] !== undefined) return { path: parts[1], recordNo: Number(parts[2]) }
  throw new InvalidArgumentError(
    'It must be a file and a place in it: orders/2025-12-13/orders.json:17.',
  )
}

function collectAssignments(text: string, before: readonly Assignment[]): Assignment[] {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('It must be column=value, such as quantity=2.')
  return [...before, { target: text.slice(0, equals), value: text.slice(equals + 1) }]
}
