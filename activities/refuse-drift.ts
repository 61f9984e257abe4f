import { ApplicationFailure } from '@temporalio/activity'
import {
  fieldOf,
  readerRules,
  stopsWhenMissing,
  type Column,
  type Contract,
} from '../domain/contracts/contract.ts'
import { breaksRule } from '../domain/contracts/judge-sql.ts'
import { failureTypes } from '../domain/failures.ts'
import type { Transaction } from '../platform/database.ts'

/**
 * Stops a day whose records in the temporary table `judged` show that the source has changed, where its
 * contract says so: a column gone or of another type in every record, or one that the contract lacks.
 * One record alone is a bad record, not a changed source.
 * @throws SchemaDrift naming the fields (never retried)
 */
export async function refuseDrift(transaction: Transaction, contract: Contract): Promise<void> {
  await refuseNewColumns(transaction, contract)
  const judged = await transaction.query('select from judged limit 2')
  if (judged.rowCount === 1) return
  const missing = await columnsThatAre(transaction, contract, stopsWhenMissing, isMissing)
  if (missing.length > 0) {
    throw driftOf(
      `No ${contract.source} record of this delivery carries ${missing.join(', ')}`,
      'Deliver the column again',
    )
  }
  const mayStop = (column: Column) => column.whenRetyped === 'stop'
  const retyped = await columnsThatAre(transaction, contract, mayStop, isRetyped)
  if (retyped.length > 0) {
    throw driftOf(
      `No ${contract.source} record of this delivery has the type of ${retyped.join(', ')}`,
      'Deliver the column as it was',
    )
  }
}

async function refuseNewColumns(transaction: Transaction, contract: Contract): Promise<void> {
  if (contract.newColumn !== 'refuse') return
  const added = await transaction.query<{ name: string }>(
    `select distinct jsonb_object_keys(extras) as name from judged
     where extras is not null order by name limit 20`,
  )
  if (added.rows.length === 0) return
  const names = added.rows.map(({ name }) => name).join(', ')
  throw driftOf(
    `The ${contract.source} of this delivery have ${names}, which the contract does not know`,
    'Leave it out',
  )
}

type Condition = (contract: Contract, column: Column) => string

/** The fields of the columns for which a condition holds in the records that could be read. */
async function columnsThatAre(
  transaction: Transaction,
  contract: Contract,
  isAsked: (column: Column) => boolean,
  condition: Condition,
): Promise<string[]> {
  const asked = contract.columns.filter(isAsked)
  if (asked.length === 0) return []
  const conditions = asked.map((column) => condition(contract, column))
  const found = await transaction.query<{ holds: (boolean | null)[] }>(
    `select array[${conditions.join(', ')}] as holds from judged
     where broken & ${2 ** readerRules.length - 1} = 0`,
  )
  return asked.filter((_, index) => found.rows[0]?.holds[index] === true).map(fieldOf)
}

/** A required column is missing where its rule says so; of others the value itself is. */
function isMissing(contract: Contract, column: Column): string {
  return column.required
    ? `bool_and(${breaksRule(contract, `${column.name}_required`)})`
    : `bool_and(${column.name} is null and not (${breaksRule(contract, `${column.name}_type`)}))`
}

function isRetyped(contract: Contract, column: Column): string {
  const ofWrongType = breaksRule(contract, `${column.name}_type`)
  return `bool_or(${ofWrongType}) and bool_and(${ofWrongType} or ${column.name} is null)`
}

function driftOf(what: string, remedy: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `${what}: the source has changed. Nothing was loaded. ${remedy}, or change the contract.`,
    failureTypes.schemaDrift,
  )
}
