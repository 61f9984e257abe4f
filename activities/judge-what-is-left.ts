import type { Contract } from '../domain/contracts/contract.ts'
import { stagingTable } from '../domain/contracts/tables.ts'
import { StagedReader, takeOver } from '../platform/candidates.ts'
import type { Transaction } from '../platform/database.ts'
import type { CheckResult } from '../domain/checks-verdict.ts'
import { refuseFailed } from './check-quality.ts'
import { replaceResults, type JudgingRun } from './check-results.ts'
import { transformPart } from './day-parts.ts'
import type { LoadInput, LoadPlan } from './load.ts'
import { measureSource, type Outcome } from './measure-checks.ts'
import { readFailedChecks } from './read-failed-checks.ts'
import { checksRun, stateOfPart } from './up-to-date.ts'

/**
 * Judges a source again of each day that has fewer files than its checks have seen: of this day, when an
 * earlier one has taken files over meanwhile, and of published days that this one takes files from. A
 * verdict on what a day no longer has goes. Returns whether there was one.
 * @throws ChecksFailed when what is left of this day fails a critical check, or one of severity error that
 *   nobody was asked about (never retried)
 */
export async function judgeWhatIsLeft(
  transaction: Transaction,
  input: LoadInput,
  contracts: readonly Contract[],
  plan: LoadPlan,
): Promise<boolean> {
  let isAnyJudged = false
  for (const contract of contracts) {
    const judgedDay = await judgeThisDay(transaction, input, contract, plan)
    const judgedOthers = await judgeOtherDays(transaction, input.date, contract, plan.takenOver)
    isAnyJudged ||= judgedDay || judgedOthers
  }
  return isAnyJudged
}

async function judgeThisDay(
  transaction: Transaction,
  input: LoadInput,
  contract: Contract,
  plan: LoadPlan,
): Promise<boolean> {
  const { records, madeOf } = await stateOfPart(transaction, input, transformPart(contract))
  const staged = Object.keys(records.waiting?.made_of.inputs ?? {})
  if (staged.every((name) => name in madeOf.inputs)) return false
  const runId = await checksRun(transaction, input)
  const { rows } = await transaction.query<JudgingRun>(
    `select distinct run_id as "runId", dag_id as "dagId", logical_date as date
     from audit.dq_results where run_id = $1 and table_name = $2`,
    [runId, stagingTable(contract)],
  )
  const reader = new StagedReader(transaction, plan.candidates)
  for (const run of rows) {
    const outcome = await measureSource(reader, contract, run.date)
    const askedAbout = await readFailedChecks(transaction, run.runId, ['error'])
    await replaceResults(transaction, run, [contract], [outcome])
    refuseLeft(run.date, outcome.results, new Set(askedAbout.map(({ checkId }) => checkId)))
  }
  return true
}

function refuseLeft(
  date: string,
  results: readonly CheckResult[],
  askedAbout: ReadonlySet<string>,
): void {
  const failed = results.filter(({ isPassed }) => !isPassed)
  refuseFailed(
    date,
    failed.filter(({ severity }) => severity === 'critical'),
  )
  refuseFailed(
    date,
    failed.filter(({ id, severity }) => severity === 'error' && !askedAbout.has(id)),
    'Another day has taken files of it since they were checked. Run the day again: its checks then ' +
      'see what is left, and the run asks a person where it can.',
  )
}

async function judgeOtherDays(
  transaction: Transaction,
  date: string,
  contract: Contract,
  takenOver: readonly number[],
): Promise<boolean> {
  if (takenOver.length === 0) return false
  const { rows: runs } = await transaction.query<JudgingRun>(
    `select distinct load.run_id as "runId", result.dag_id as "dagId", load.load_date as date
     from audit.source_files as file
     inner join audit.published_loads as load
       on load.source = file.source and load.load_date = file.load_date
     inner join audit.dq_results as result on result.run_id = load.run_id and result.table_name = $3
     where file.file_id = any($1) and file.source = $2
     order by load.load_date`,
    [takenOver, contract.source, stagingTable(contract)],
  )
  const judged = await afterTakingOver(transaction, date, contract, takenOver, runs)
  for (const { run, outcome } of judged) {
    await replaceResults(transaction, run, [contract], [outcome])
  }
  return judged.length > 0
}

/** What the checks find when the files are taken over, which is undone: the build reads both states. */
async function afterTakingOver(
  transaction: Transaction,
  date: string,
  contract: Contract,
  takenOver: readonly number[],
  runs: readonly JudgingRun[],
): Promise<{ run: JudgingRun; outcome: Outcome }[]> {
  if (runs.length === 0) return []
  await transaction.query('savepoint before_taking_over')
  await takeOver(transaction, date, [stagingTable(contract)], takenOver)
  const reader = new StagedReader(transaction, new Map())
  const judged: { run: JudgingRun; outcome: Outcome }[] = []
  for (const run of runs) {
    judged.push({ run, outcome: await measureSource(reader, contract, run.date) })
  }
  await transaction.query('rollback to savepoint before_taking_over')
  return judged
}
