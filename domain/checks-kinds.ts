import { criticalRules, lenientRules, quote, type Contract } from './contracts/contract.ts'
import type { Severity } from './severity.ts'

export const critical = 'critical'
export const warn = 'warn'

/**
 * What a check's number is measured over: the day's staging rows, the copies of each key among them,
 * the day's files, or a model of sql/checks that compares the day with those before.
 */
export type Scan = 'records' | 'keys' | 'files' | 'model'
export type Unit = 'count' | 'amount' | 'share' | 'ratio'

/** One number measured on a day, and the bounds in which it must lie. */
export interface Check extends Bounds {
  readonly id: string
  readonly severity: Severity
  readonly scan: Scan
  /** SQL aggregate over the scan; the path of the model for a check against history. */
  readonly measure: string
  /** SQL condition, true for the rows of the scan that are wrong and shown as samples. */
  readonly failing?: string
  /** SQL that says more of a wrong row. */
  readonly detail?: string
  /** Whole select of samples (`record_key`, `detail`), for wrong things that are no rows of the scan. */
  readonly samples?: string
  /** Columns that identify a record, for the scan of keys. */
  readonly key?: readonly string[]
  /** Samples are names that belong into the words of the result. */
  readonly namesSamples?: boolean
  /** The outcome depends on what else is loaded, not on the day's delivery alone. */
  readonly needsHistory?: boolean
  /** Parts of the profile that a model compares. */
  readonly about?: readonly string[]
  readonly unit: Unit
  /** What the number is, to be read as `<number> <words>`. */
  readonly words: string
}

export interface Bounds {
  readonly min?: number
  readonly max?: number
  /** Lower bound that the number must exceed. */
  readonly above?: number
}

export function everyRecord(check: Omit<Check, 'scan'>): Check {
  return { ...check, scan: 'records' }
}

export function noRecord(
  id: string,
  severity: Severity,
  failing: string,
  words: string,
  detail?: string,
): Check {
  const measure = `count(*) filter (where ${failing})`
  const about = detail === undefined ? {} : { detail }
  return { id, severity, scan: 'records', measure, failing, unit: 'count', max: 0, words, ...about }
}

export function shareOfRecords(
  id: string,
  severity: Severity,
  failing: string,
  max: number,
  words: string,
  detail?: string,
): Check {
  const measure = shareSql(`count(*) filter (where ${failing})`, 'count(*)')
  const about = detail === undefined ? {} : { detail }
  return { id, severity, scan: 'records', measure, failing, unit: 'share', max, words, ...about }
}

/** Staging has no key of its own that would remove second copies before they are counted. */
export function uniqueKey(key: readonly string[]): Check {
  const failing = 'copies > 1'
  return {
    id: 'unique_key',
    severity: critical,
    scan: 'keys',
    key,
    measure: `count(*) filter (where ${failing})`,
    failing,
    detail: `copies || ' copies'`,
    unit: 'count',
    max: 0,
    words: 'keys that occur more than once',
  }
}

export function inSet(column: string, values: readonly string[]): string {
  return `${column} in (${values.map(quote).join(', ')})`
}

function shareSql(part: string, whole: string): string {
  return `round((${part})::numeric / nullif(${whole}, 0), 8)`
}

/** A file that was read before rules had severities: all of its bad records counted. */
const countedRecords = 'sum(coalesce(records_critical, records_quarantined))'

function quarantineSamples(filter: string): string {
  return `select coalesce(record_id, file_id || ':' || record_no) as record_key,
    array_to_string(rules, ', ') as detail
  from audit.bad_records where load_date = $1 and source = $2 and ${filter}
  order by file_id, record_no`
}

/** That a record broke a rule of severity info or warn, which staging names in its row. */
export function lenientRuleChecks(contract: Contract): Check[] {
  return lenientRules(contract).map(({ id, column, severity, expected }) =>
    noRecord(
      `rule_${id}`,
      severity,
      `${quote(id)} = any (broken_rules)`,
      `rows that break the rule ${id} (${expected})`,
      column,
    ),
  )
}

/** Checks that every source has. */
export function sourceChecks(contract: Contract): Check[] {
  return [...fileChecks(contract), ...sharedChecks]
}

function fileChecks(contract: Contract): Check[] {
  const countsTowardsLimit = `rules && array[${criticalRules(contract).map(quote).join(', ')}]`
  return [
    conservation,
    {
      id: 'quarantine_limit',
      severity: critical,
      scan: 'files',
      measure: shareSql(countedRecords, 'sum(records_received)'),
      samples: quarantineSamples(countsTowardsLimit),
      unit: 'share',
      max: 0.05,
      words: 'records in quarantine',
    },
  ]
}

const conservation: Check = {
  id: 'conservation',
  severity: critical,
  scan: 'files',
  measure: `count(*) filter (where records_received is distinct from
    records_loaded + records_quarantined + records_duplicate)`,
  failing: `records_received is distinct from records_loaded + records_quarantined + records_duplicate`,
  detail: `format('%s received, %s loaded, %s quarantined, %s duplicates', records_received,
    records_loaded, records_quarantined, records_duplicate)`,
  unit: 'count',
  max: 0,
  words: 'files whose records are not all loaded, quarantined or known duplicates',
}

const sharedChecks: readonly Check[] = [
  {
    id: 'quarantine_share',
    severity: warn,
    scan: 'files',
    measure: shareSql('sum(records_quarantined)', 'sum(records_received)'),
    samples: quarantineSamples('true'),
    unit: 'share',
    max: 0.02,
    words: 'records in quarantine',
  },
  {
    id: 'duplicate_share',
    severity: warn,
    scan: 'files',
    measure: shareSql('sum(records_duplicate)', 'sum(records_received)'),
    samples: `select record_id as record_key,
        format('delivered again as file %s record %s', kept_file_id, kept_record_no) as detail
      from audit.duplicate_records where load_date = $1 and source = $2 order by file_id, record_no`,
    unit: 'share',
    max: 0.02,
    words: 'records delivered more than once',
  },
  {
    ...noRecord(
      'known_columns',
      warn,
      `extras <> '{}'`,
      'records with columns outside the contract',
    ),
    samples: `select extra.name as record_key, count(*) || ' records' as detail
      from staged cross join lateral jsonb_object_keys(extras) as extra (name)
      where load_date = $1 and extras is not null group by extra.name order by extra.name`,
    namesSamples: true,
  },
  {
    id: 'usual_volume',
    severity: warn,
    scan: 'model',
    measure: 'checks/usual_volume',
    needsHistory: true,
    unit: 'ratio',
    min: 0.6,
    max: 1.7,
    words: 'times the usual volume of this weekday',
  },
  {
    // A part of the files, or the sale of the year? Only a person can know.
    id: 'plausible_volume',
    severity: 'error',
    scan: 'model',
    measure: 'checks/usual_volume',
    needsHistory: true,
    unit: 'ratio',
    min: 0.25,
    max: 4,
    words: 'times the usual volume of this weekday',
  },
]
