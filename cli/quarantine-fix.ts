import { readFile } from 'node:fs/promises'
import type { Assignment } from '../domain/records/set-fields.ts'
import { CannotSet, setFields } from '../domain/records/set-fields.ts'
import { whyUnusable } from '../platform/unusable-file.ts'
import { NotOneRecordError } from '../platform/landing/load-record.ts'
import type { QuarantinedRecord, RecordId, Signature } from '../platform/quarantined-record.ts'
import { dropRecord, fixRecord, RecordRefused, wordsFor } from '../platform/quarantined-record.ts'
import type { BookedRecord } from '../platform/booked-record.ts'
import { configuredSources } from '../platform/sources.ts'
import { withDatabase } from './connect.ts'
import { CommandFailed, UsageError } from './exit-codes.ts'
import type { Signed } from './intervene.ts'
import { signatureOf } from './intervene.ts'
import { visible } from '../domain/records/visible-text.ts'
import { printJson, printLine } from './print.ts'
import { decisionInWords, explainProblem, printProblems } from './quarantine-show.ts'

interface Flags extends Signed {
  date?: string
  json?: true
}

interface FixFlags extends Flags {
  set: readonly Assignment[]
  record?: string
  fromFile?: string
  dryRun?: true
}

export async function fixBadRecord(named: RecordId, flags: FixFlags): Promise<void> {
  const id = { ...named, date: flags.date }
  const signature = signatureForRecord(flags)
  const correct = await corrector(flags)
  const isDryRun = flags.dryRun ?? false
  const { record, judged, booked } = await withRefusals(() =>
    withDatabase((database, config) =>
      fixRecord(database, { sources: configuredSources(config), id, correct, signature, isDryRun }),
    ),
  )
  const isGood = judged.problems.length === 0
  if (flags.json) {
    const problems = judged.problems.map((one) => explainProblem(record, judged.record, one))
    const texts = { before: record.text, after: judged.record }
    printJson({
      record: wordsFor(id),
      ...texts,
      problems,
      is_kept: isGood && !isDryRun,
      ...{ replaces: record.decisions.at(-1) ?? null, booked: booked ?? null },
      ...signature,
    })
  } else {
    printLine(`before  ${visible(record.text)}`)
    printLine(`after   ${visible(judged.record)}`)
    printProblems(record, judged.record, judged.problems)
  }
  if (!isGood) throw new CommandFailed(`${wordsFor(id)} would break rules still; nothing was kept`)
  if (flags.json) return
  if (booked !== undefined) printLine(`\n${warnOf(booked)}`)
  printReplaced(record)
  const name = visible(wordsFor(id))
  if (isDryRun) return printLine(`\n${name} would keep every rule; nothing was kept (--dry-run)`)
  printLine(`\n${name} is fixed by ${visible(signature.by)}, from the next run of its day on:`)
  printLine(`\`daybook quarantine redrive --date ${record.loadDate}\``)
}

export async function dropBadRecord(named: RecordId, flags: Flags): Promise<void> {
  const id = { ...named, date: flags.date }
  const signature = signatureForRecord(flags)
  const record = await withRefusals(() =>
    withDatabase((database, config) =>
      dropRecord(database, { sources: configuredSources(config), id, signature }),
    ),
  )
  if (flags.json) return printJson({ record: wordsFor(id), action: 'drop', ...signature })
  printReplaced(record)
  printLine(`${visible(wordsFor(id))} is given up by ${visible(signature.by)}`)
  if (record.problems.length === 0) {
    printLine(`its fix is taken back with \`daybook quarantine redrive --date ${record.loadDate}\``)
  }
}

/** The key is another record's too: one of the two will count. */
function warnOf({ key, path, recordNo, loadDate, isLater }: BookedRecord): string {
  const other = `${visible(wordsFor({ path, recordNo }))}, delivered ${loadDate}`
  const what = isLater
    ? `comes later and stays: this one will not count`
    : `is replaced by this one`
  return `WARNING: ${visible(key)} is booked already: ${other}, ${what}`
}

/** Somebody decided before: that person may not know that it is over. */
function printReplaced({ decisions }: QuarantinedRecord): void {
  const before = decisions.at(-1)
  if (before === undefined) return
  const since = before.published_at === null ? ', which the books do not have' : ''
  printLine(`\nreplaces ${decisionInWords(before)}${since}: ${visible(before.reason)}`)
}

async function withRefusals<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isRefusal = [RecordRefused, NotOneRecordError, CannotSet].some(
      (type) => error instanceof type,
    )
    if (!isRefusal || !(error instanceof Error)) throw error
    throw new UsageError(`error: ${visible(error.message)}`)
  }
}

function signatureForRecord(flags: Flags): Signature {
  const signature = signatureOf(flags)
  if (signature.reason.trim() === '')
    throw new UsageError('error: it must be known why: --reason TEXT')
  for (const text of Object.values(signature)) assertStorable(text)
  return signature
}

/** The corrected text of a record, made from the one that counts now. */
async function corrector(flags: FixFlags): Promise<(record: QuarantinedRecord) => Buffer> {
  if (flags.fromFile !== undefined) {
    const text = await readCorrection(flags.fromFile)
    return () => text
  }
  const { record, set } = flags
  if (record !== undefined) return () => bytesOf(record)
  if (set.length === 0) {
    throw new UsageError(
      'error: say what is right: --set COLUMN=VALUE, --record TEXT or --from-file PATH',
    )
  }
  for (const { value } of set) assertStorable(value)
  return ({ source, header, text, problems }) => {
    if (problems.some(({ rule }) => rule === 'bad_encoding')) {
      throw new CannotSet(
        'its bytes are no UTF-8, so its text is a guess: give all of it by --record',
      )
    }
    return bytesOf(setFields({ contract: source.contract, header, text }, set))
  }
}

async function readCorrection(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new UsageError(`error: ${whyUnusable(path, error)}`)
  }
}

function bytesOf(text: string): Buffer {
  assertStorable(text)
  return Buffer.from(text, 'utf8')
}

function assertStorable(text: string): void {
  if (text.isWellFormed() && !text.includes('\0')) return
  throw new UsageError(
    'error: PostgreSQL stores neither the character NUL nor half a surrogate pair: leave it out',
  )
}
