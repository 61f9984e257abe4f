import { ApplicationFailure } from '@temporalio/activity'
import type { CheckResult } from '../domain/checks-verdict.ts'
import type { Contract } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import { candidateTable, StagedReader } from '../platform/candidates.ts'
import { inDiscardedTransaction, type Database, type Transaction } from '../platform/database.ts'
import { redirected } from '../platform/redirected.ts'
import {
  compareRecords,
  daysToJudge,
  recordedChecks,
  type JudgedCheck,
  type MovedRecord,
  type PublishedDay,
  type RuleCount,
} from './backtest-compare.ts'
import { measureSource } from './measure-checks.ts'
import { transformDay } from './transform.ts'

export type Standing = 'passed' | 'warned' | 'held' | 'stopped'

export interface CheckMove {
  readonly check: string
  /** Null: it was not there when the day was published, or is not any more. */
  readonly recorded: Standing | null
  readonly now: Standing | null
  readonly expected: string
  readonly actual: string
}

export interface BacktestDay {
  readonly source: string
  /** Delivery date, `YYYY-MM-DD`. */
  readonly date: string
  /** Delivered anew since it was published: what is judged is not what was recorded. */
  readonly isRedelivered: boolean
  readonly recorded: Standing
  readonly now: Standing
  /** Why the delivery would not be taken at all now. */
  readonly refused: string | null
  readonly received: number
  /** Null of a delivery that is refused: none of its records is judged. */
  readonly records: {
    readonly quarantined: { readonly recorded: number; readonly now: number }
    readonly entering: number
    readonly leaving: number
    /** Some of both, by file and line. */
    readonly samples: readonly MovedRecord[]
  } | null
  readonly rules: readonly RuleCount[]
  /** Checks whose outcome is another one. */
  readonly checks: readonly CheckMove[]
  readonly seconds: number
}

export interface BacktestInput {
  readonly contract: Contract
  /** Days up to the newest published one that are looked at. */
  readonly days: number
}

/**
 * Judges the published deliveries of a source by this contract and the checks that follow from it, as
 * transform and checks do, and compares with what was recorded when they were published. All of it
 * happens in temporary tables of a transaction that is rolled back. Oldest day first.
 */
export async function backtest(
  database: Database,
  { contract, days }: BacktestInput,
  onDay: (day: BacktestDay) => void = () => undefined,
): Promise<BacktestDay[]> {
  return inDiscardedTransaction(database, async (transaction) => {
    await prepareSession(transaction, contract)
    const judged: BacktestDay[] = []
    for (const day of await daysToJudge(transaction, contract, days)) {
      await transaction.query('savepoint before_day')
      judged.push(await judgeDay(transaction, contract, day))
      await transaction.query('rollback to savepoint before_day')
      onDay(judged.at(-1)!)
    }
    return judged
  })
}

/** What a judgement writes, apart from the candidate, and which of its rows it reads. */
const writtenTables = {
  source_files: 'source = $1',
  delivery_profiles: 'source = $1',
  bad_records: 'false and source = $1',
  duplicate_records: 'false and source = $1',
  record_fixes: 'false and source = $1',
}

async function prepareSession(transaction: Transaction, { source }: Contract): Promise<void> {
  await transaction.query(`
    set local idle_in_transaction_session_timeout = 0;
    set local client_min_messages = warning;
    set local jit = off`)
  for (const [table, rows] of Object.entries(writtenTables)) {
    await transaction.query(
      `create temp table ${table} (like audit.${table} including defaults including indexes) on commit drop`,
    )
    await transaction.query(
      `insert into pg_temp.${table} select * from audit.${table} where ${rows}`,
      [source],
    )
    await transaction.query(`analyze pg_temp.${table}`)
  }
}

async function judgeDay(
  transaction: Transaction,
  contract: Contract,
  day: PublishedDay,
): Promise<BacktestDay> {
  const startedMs = performance.now()
  const before = await recordedChecks(transaction, contract, day)
  const { refused, checks } = await judgeByContract(transaction, contract, day.date)
  const compared = refused === null ? await compareRecords(transaction, contract, day.date) : null
  return {
    source: contract.source,
    date: day.date,
    isRedelivered: day.isRedelivered,
    recorded: worst(before.map(standingOf)),
    now: refused === null ? worst(checks.map(standingOf)) : 'stopped',
    refused,
    received: day.received,
    records: compared && compared.records,
    rules: compared?.rules ?? [],
    checks: refused === null ? movesOf(before, checks) : [],
    seconds: Number(((performance.now() - startedMs) / 1000).toFixed(3)),
  }
}

interface Judgement {
  readonly refused: string | null
  readonly checks: readonly CheckResult[]
}

async function judgeByContract(
  transaction: Transaction,
  contract: Contract,
  date: string,
): Promise<Judgement> {
  const temporary = Object.keys(writtenTables).map(
    (table) => [`audit.${table}`, `pg_temp.${table}`] as const,
  )
  const candidate = 'pg_temp.candidate'
  try {
    const inTransform = new Map([...temporary, [candidateTable(contract, date), candidate]])
    await transformDay(redirected(transaction, inTransform), contract, date, 'backtest')
    const inChecks = new Map([...temporary, [stagingTable(contract), candidate]])
    const staged = new StagedReader(transaction, inChecks)
    return { refused: null, checks: (await measureSource(staged, contract, date)).results }
  } catch (error) {
    if (!(error instanceof ApplicationFailure)) throw error
    return { refused: `${error.type ?? error.name}: ${error.message}`, checks: [] }
  }
}

const standings = ['passed', 'warned', 'held', 'stopped'] as const satisfies Standing[]
const standingBySeverity: Readonly<Record<string, Standing>> = {
  warn: 'warned',
  error: 'held',
  critical: 'stopped',
}

function standingOf({ isPassed, severity }: Pick<JudgedCheck, 'isPassed' | 'severity'>): Standing {
  return isPassed ? 'passed' : (standingBySeverity[severity] ?? 'passed')
}

function worst(found: readonly Standing[]): Standing {
  return standings.findLast((standing) => found.includes(standing)) ?? 'passed'
}

function movesOf(before: readonly JudgedCheck[], now: readonly CheckResult[]): CheckMove[] {
  const ids = [...new Set([...before, ...now].map(({ id }) => id))]
  return ids.flatMap((id) => {
    const was = before.find((check) => check.id === id)
    const is = now.find((check) => check.id === id)
    const [recorded, standing] = [was, is].map((check) => (check ? standingOf(check) : null))
    // That a check which passes has come or gone changes no day.
    if ((recorded ?? 'passed') === (standing ?? 'passed')) return []
    const { expected = '', actual = '' } = is ?? was ?? {}
    return [{ check: id, recorded: recorded ?? null, now: standing ?? null, expected, actual }]
  })
}
