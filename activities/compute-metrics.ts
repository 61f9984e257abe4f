import { contractsOfShop } from '../domain/contracts/all-contracts.ts'
import { checksOfTheDay } from '../domain/checks.ts'
import { metricFamilies, type MetricFamily } from '../domain/metrics.ts'
import { beginTable, buildFor, fillTable, openBuild, type Build } from '../platform/build.ts'
import type { Database, Transaction } from '../platform/database.ts'
import { currentAttempt } from './current-attempt.ts'
import { affectedDatesSql } from './affected-dates.ts'
import { requireBuilt } from './require-built.ts'
import { checksRun, partNamed, unlessUpToDate, type MaybeUpToDate } from './up-to-date.ts'
import { writeInAttempt } from './write-in-attempt.ts'

export interface ComputeMetricsInput {
  /** Delivery date, `YYYY-MM-DD`. */
  readonly date: string
  readonly shopId: string
}

export interface ComputeMetricsResult {
  readonly dates: number
  readonly rowsOut: number
}

export function createMetricActivities({ database }: { database: Database }) {
  return {
    /**
     * Computes the daily figures of every business date that this run changes, in its unpublished
     * build. Needs the build of its facts; repeatable; does nothing when up to date.
     */
    async computeDailyMetrics(
      input: ComputeMetricsInput,
    ): Promise<MaybeUpToDate<ComputeMetricsResult>> {
      const build = buildFor(currentAttempt().runKey, input.shopId)
      const part = partNamed(input.shopId, 'daily_metrics')
      return writeInAttempt(database, (transaction) =>
        unlessUpToDate(transaction, build, part, async () => {
          await requireBuilt(transaction, build, factsOf(input.shopId))
          return buildDailyMetrics(transaction, build)
        }),
      )
    },
  }
}

function factsOf(shopId: string): string[] {
  const hasEvents = contractsOfShop(shopId).some(({ family }) => family === 'events')
  return hasEvents ? ['fact_orders', 'fact_events'] : ['fact_orders']
}

/** Builds daily_metrics within the transaction of an activity; also for publishing to build it again. */
export async function buildDailyMetrics(
  transaction: Transaction,
  build: Build,
): Promise<ComputeMetricsResult> {
  await openBuild(transaction, build)
  await beginTable(transaction, build, 'daily_metrics', {
    sql: await affectedDatesSql(transaction, build),
    params: [build.shopId, build.date],
  })
  const rowsOut = await fillDailyMetrics(transaction, build, await checksRun(transaction, build))
  return { dates: await countDates(transaction, build), rowsOut }
}

/** Computes the figures of every date in the scope of the build's daily_metrics. Returns rows. */
export async function fillDailyMetrics(
  transaction: Transaction,
  build: Build,
  runId: string,
): Promise<number> {
  let rowsOut = 0
  for (const family of metricFamilies) {
    const params = paramsOf(family, build, runId)
    rowsOut += await fillTable(transaction, build, `metrics/${family}`, params)
  }
  return rowsOut
}

function paramsOf(family: MetricFamily, build: Build, runId: string): unknown[] {
  if (family !== 'volume') return [build.shopId]
  const contracts = contractsOfShop(build.shopId)
  const sources = contracts.map((contract) => contract.source)
  const checks = checksOfTheDay(contracts)
  return [
    ...[build.shopId, build.date, runId, sources],
    checks.map(({ id }) => id),
    checks.map(({ source }) => source),
  ]
}

async function countDates(transaction: Transaction, build: Build): Promise<number> {
  const counted = await transaction.query<{ dates: number }>(
    `select count(*) as dates from ${build.schema}.daily_metrics_scope`,
  )
  return counted.rows[0]?.dates ?? 0
}
