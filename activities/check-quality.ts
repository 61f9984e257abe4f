import { ApplicationFailure } from '@temporalio/activity'
import { allContracts } from '../domain/contracts/all-contracts.ts'
import type { Contract } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import { failureMessage, type CheckResult } from '../domain/checks-verdict.ts'
import { failureTypes } from '../domain/failures.ts'
import type { Severity } from '../domain/severity.ts'
import { candidatesOf, StagedReader } from '../platform/candidates.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { badInput } from './bad-input.ts'
import { replaceResults } from './check-results.ts'
import { currentAttempt } from './current-attempt.ts'
import { measureSource, type Outcome } from './measure-checks.ts'
import {
  notePart,
  partNamed,
  recordedResult,
  stateOfPart,
  type MaybeUpToDate,
} from './up-to-date.ts'
import { writeInAttempt } from './write-in-attempt.ts'

export interface CheckQualityInput {
  /** Delivery date, `YYYY-MM-DD`. */
  readonly date: string
  readonly dagId: string
  /** Staging tables to check, `{ orders: 'staging.orders_clean', … }`. */
  readonly sources: Readonly<Record<string, string>>
  /**
   * The task of the run in which a person may let a day pass that failed a check of severity error.
   * Without one, such a check stops the day as a critical one does.
   */
  readonly approval?: string
}

export interface CheckQualityResult {
  readonly checks: number
  readonly passed: number
  readonly warned: number
  /** Failed checks of severity error: a person has to let the day pass. */
  readonly held: number
  readonly failed: number
  readonly rowsIn: number
}

export function createQualityActivities({ database }: { database: Database }) {
  return {
    /**
     * Judges a day's staging rows and files, all rules of a table in one scan. The results of this run
     * are replaced and stay, also when the day fails. Repeatable; a verdict on the same delivery by the
     * same checks stands, whatever days were published since.
     * @throws ChecksFailed naming every failed check that stops the day (never retried)
     */
    async checkQuality(input: CheckQualityInput): Promise<MaybeUpToDate<CheckQualityResult>> {
      const contracts = Object.values(input.sources).map(contractOf)
      const { verdict, results } = await writeInAttempt(database, (transaction) =>
        checkDay(transaction, input, contracts),
      )
      refuseFailed(input.date, stopping(input, results))
      return verdict
    },
  }
}

interface Judged {
  readonly verdict: MaybeUpToDate<CheckQualityResult>
  readonly results: readonly CheckResult[]
}

async function checkDay(
  transaction: Transaction,
  input: CheckQualityInput,
  contracts: readonly Contract[],
): Promise<Judged> {
  const day = { shopId: shopOf(contracts), date: input.date }
  const part = partNamed(day.shopId, 'checks')
  const { isUpToDate, madeOf } = await stateOfPart(transaction, day, part)
  if (isUpToDate) return { verdict: await recordedResult(transaction, day, part), results: [] }
  await transaction.query(`set local work_mem = '64MB'`)
  const staged = new StagedReader(transaction, await candidatesOf(transaction, input.date))
  const outcomes: Outcome[] = []
  for (const contract of contracts) {
    outcomes.push(await measureSource(staged, contract, input.date))
  }
  const { runId } = currentAttempt()
  await replaceResults(transaction, { ...input, runId }, contracts, outcomes)
  const results = outcomes.flatMap((outcome) => outcome.results)
  const verdict = countsOf(results, outcomes)
  if (stopping(input, results).length === 0) await notePart(transaction, day, part, madeOf, verdict)
  return { verdict, results }
}

function shopOf(contracts: readonly Contract[]): string {
  const [first] = contracts
  if (first === undefined) throw badInput('There is no source to check')
  return first.shopId
}

function contractOf(table: string): Contract {
  const contract = allContracts().find((candidate) => stagingTable(candidate) === table)
  if (contract) return contract
  const known = allContracts().map(stagingTable).join(', ')
  throw badInput(`No source has the staging table ${table}; known: ${known}`)
}

/** @throws ChecksFailed naming these checks (never retried); nothing when there are none */
export function refuseFailed(date: string, failed: readonly CheckResult[], remedy?: string): void {
  if (failed.length === 0) return
  const message = failureMessage(date, failed, remedy)
  throw ApplicationFailure.nonRetryable(message, failureTypes.checksFailed, { failed })
}

/** The failed checks after which nobody can let the day pass. */
function stopping({ approval }: CheckQualityInput, results: readonly CheckResult[]): CheckResult[] {
  const severities = approval === undefined ? ['critical', 'error'] : ['critical']
  return results.filter(({ isPassed, severity }) => !isPassed && severities.includes(severity))
}

function countsOf(
  results: readonly CheckResult[],
  outcomes: readonly Outcome[],
): CheckQualityResult {
  const failed = results.filter((result) => !result.isPassed)
  const count = (severity: Severity) =>
    failed.filter((result) => result.severity === severity).length
  return {
    checks: results.length,
    passed: results.length - failed.length,
    warned: count('warn'),
    held: count('error'),
    failed: count('critical'),
    rowsIn: outcomes.reduce((sum, outcome) => sum + outcome.rows, 0),
  }
}
