import { expectedBy } from '../domain/contracts/contract.ts'
import { findPlaces } from '../domain/records/find-places.ts'
import type { Problem } from '../platform/judge-record.ts'
import type { Decision, QuarantinedRecord, RecordId } from '../platform/quarantined-record.ts'
import { findRecord, RecordRefused, wordsFor } from '../platform/quarantined-record.ts'
import { configuredSources } from '../platform/sources.ts'
import { withDatabase } from './connect.ts'
import { UsageError } from './exit-codes.ts'
import { visible } from '../domain/records/visible-text.ts'
import { markPlace } from './marked-text.ts'
import { instant, printJson, printLine } from './print.ts'
import { terminalWidth } from './terminal-width.ts'

interface Flags {
  date?: string
  json?: true
}

export async function showBadRecord(id: RecordId, flags: Flags): Promise<void> {
  const record = await withDatabase(async (database, config) => {
    try {
      return await findRecord(database, configuredSources(config), { ...id, date: flags.date })
    } catch (error) {
      if (error instanceof RecordRefused) throw new UsageError(`error: ${visible(error.message)}`)
      throw error
    }
  })
  if (flags.json) return printJson(inJson(record))
  printRecord(record)
}

/** What is told of a broken rule, on the command line and in JSON. */
export function explainProblem(
  { source, header }: Pick<QuarantinedRecord, 'source' | 'header'>,
  text: string,
  problem: Problem,
) {
  const { contract } = source
  const places = findPlaces({ contract, header, text }, problem)
  return { ...problem, expected: expectedBy(contract, problem.rule) ?? null, places }
}

function inJson(record: QuarantinedRecord) {
  const { id, source, loadDate, recordId, quarantinedAt, decisions } = record
  const { delivered, text, rejected } = record
  return {
    ...{ record: wordsFor(id), source: source.contract.source, load_date: loadDate },
    ...{
      path: id.path,
      record_no: id.recordNo,
      record_id: recordId,
      quarantined_at: quarantinedAt,
    },
    ...{ delivered, text, rejected, decisions },
    problems: record.problems.map((problem) => explainProblem(record, rejected ?? text, problem)),
  }
}

function printRecord(record: QuarantinedRecord): void {
  const { id, source, loadDate, recordId, quarantinedAt, text, rejected } = record
  const { contract } = source
  const place = contract.format === 'csv' ? 'line' : 'record'
  const name = recordId === null ? '' : `, ${visible(recordId)}`
  printLine(visible(wordsFor(id)))
  printLine(`${place} ${id.recordNo} of ${contract.source}, delivered ${loadDate}${name}`)
  printLine(
    quarantinedAt === null
      ? 'not in quarantine'
      : `in quarantine since ${instant(quarantinedAt)} UTC`,
  )
  printDecisions(record.decisions)
  printProblems(record, rejected ?? text, record.problems)
  if (record.problems.length === 0) printLine(`\n  ${visible(text)}`)
}

/** Every broken rule, with the place in the text that breaks it. */
export function printProblems(
  record: Pick<QuarantinedRecord, 'source' | 'header'>,
  text: string,
  problems: readonly Problem[],
): void {
  for (const problem of problems) {
    const { rule, column, value, expected, places } = explainProblem(record, text, problem)
    const found = value === null ? 'nothing' : `"${visible(value.slice(0, 200))}"`
    const what = column === null ? '' : `: ${column} is ${found}`
    printLine(`\n${rule}${what}${expected === null ? '' : `; expected ${expected}`}`)
    for (const place of places) {
      for (const line of markPlace(text, place, terminalWidth() - 2)) printLine(`  ${line}`)
    }
  }
}

function printDecisions(decisions: readonly Decision[]): void {
  for (const [index, decision] of decisions.entries()) {
    const { action, made_by, made_at, reason } = decision
    const verb = action === 'fix' ? 'fixed' : 'dropped'
    const since = becomeOf(decision, decisions[index + 1])
    printLine(
      `${verb} by ${visible(made_by)} at ${instant(made_at)} UTC: ${visible(reason)}${since}`,
    )
    if (action === 'drop') continue
    printLine(`  before  ${visible(decision.record_before)}`)
    printLine(`  after   ${visible(decision.record_after)}`)
  }
}

function becomeOf({ published_at }: Decision, next: Decision | undefined): string {
  if (next !== undefined) return `; replaced by ${decisionInWords(next)}`
  return published_at === null ? '; not in the books yet' : ''
}

/** `the fix of ada at 2026-11-21 14:00:10 UTC`. */
export function decisionInWords({ action, made_by, made_at }: Decision): string {
  return `the ${action} of ${visible(made_by)} at ${instant(made_at)} UTC`
}
