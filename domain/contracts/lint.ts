import { fieldOf, readerRules, rulesOf, type Column, type Contract } from './contract.ts'
import { isRejecting } from '../severity.ts'
import { familyColumns } from './families.ts'
import { isVersion } from './version.ts'

export interface ContractProblem {
  readonly source: string
  readonly column: string | null
  readonly problem: string
}

/** A rule is a bit of a number that JavaScript writes exactly. */
const mostRules = 53 - readerRules.length
/** Columns that are filled for every source of a family. */
const filledAlways = ['shop_id', 'line_no']

/** What cannot be meant in a contract; empty when nothing is wrong. */
export function lintContract(contract: Contract): ContractProblem[] {
  const { source } = contract
  const ofContract = contractProblems(contract).map((problem) => ({
    source,
    column: null,
    problem,
  }))
  const ofColumns = contract.columns.flatMap((column) =>
    columnProblems(contract, column).map((problem) => ({ source, column: column.name, problem })),
  )
  return [...ofContract, ...ofColumns]
}

function contractProblems(contract: Contract): string[] {
  const known = familyColumns[contract.family]
  const named = [...contract.columns.map(({ name }) => name), ...Object.keys(contract.derived)]
  const filled = new Set([...named, ...filledAlways])
  const rules = rulesOf(contract)
  return [
    ...(isVersion(contract.version)
      ? []
      : [`has the version ${contract.version}, not such as 1.0.0`]),
    ...repeated(named).map((name) => `fills ${name} twice`),
    ...repeated(contract.columns.map(fieldOf)).map((field) => `reads the field ${field} twice`),
    ...repeated(rules.map(({ id }) => id)).map((id) => `has the rule ${id} twice`),
    ...Object.keys(contract.derived)
      .filter((name) => !(name in known))
      .map((name) => `derives ${name}, which the family ${contract.family} does not have`),
    ...Object.keys(known)
      .filter((name) => !filled.has(name))
      .map((name) => `does not say where ${name} comes from`),
    ...contract.recordKey
      .filter((name) => !named.includes(name))
      .map((name) => `has ${name} in its record key, but no such column`),
    ...(rules.length > mostRules ? [`has ${rules.length} rules; ${mostRules} is the most`] : []),
  ]
}

function columnProblems(contract: Contract, column: Column): string[] {
  const known = familyColumns[contract.family]
  const isNumber = column.type === 'integer' || column.type === 'money'
  const hasBounds = [column.min, column.max, column.above].some((bound) => bound !== undefined)
  const hasAge = column.notFuture === true || column.maxAgeDays !== undefined
  const mustBeFilled = known[column.name]?.includes('not null') === true
  const isFilled = column.required === true || column.defaultSql !== undefined
  const claims: [boolean, string][] = [
    [!(column.name in known), `is no column of the family ${contract.family}`],
    [mustBeFilled && !isFilled, 'may be missing, but staging needs a value or a default'],
    [column.required === true && column.defaultSql !== undefined, 'is required and has a default'],
    [column.required === true && column.requiredWhen !== undefined, 'is required twice over'],
    [column.accepted?.length === 0, 'accepts nothing'],
    [repeated(column.accepted ?? []).length > 0, 'accepts a value twice'],
    [column.accepted !== undefined && column.type !== 'text', 'accepts texts, but is none'],
    [hasBounds && !isNumber, 'has bounds, but is no number'],
    [(column.min ?? -Infinity) > (column.max ?? Infinity), 'has a min above its max'],
    [(column.above ?? -Infinity) >= (column.max ?? Infinity), 'must exceed its max'],
    [column.min !== undefined && column.above !== undefined, 'has two lower bounds'],
    [hasAge && column.type !== 'timestamp', 'has an age, but is no timestamp'],
    [(column.maxAgeDays ?? 0) < 0, 'has an age below zero'],
    ...severityClaims(contract, column, mustBeFilled),
    [
      column.whenMissing === 'stop' && column.defaultSql !== undefined,
      'stops the day when missing, but has a default',
    ],
    [
      column.whenRetyped === 'stop' && column.type === 'text',
      'cannot be of another type than text',
    ],
  ]
  return claims.filter(([holds]) => holds).map(([, problem]) => problem)
}

/** A record that loads without a value where staging needs one would stop its whole day. */
function severityClaims(
  contract: Contract,
  column: Column,
  mustBeFilled: boolean,
): [boolean, string][] {
  const rules = rulesOf(contract).filter((rule) => rule.column === column.name)
  const unknown = Object.keys(column.severities ?? {}).filter(
    (kind) => !rules.some((rule) => rule.kind === kind),
  )
  const leavesNull = rules.some(
    ({ kind, severity }) => ['required', 'type'].includes(kind) && !isRejecting(severity),
  )
  return [
    [unknown.length > 0, `says how severe ${unknown.join(', ')} is, but has no such rule`],
    [
      leavesNull && mustBeFilled && column.defaultSql === undefined,
      'loads records without a value, but staging needs one',
    ],
  ]
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
}
