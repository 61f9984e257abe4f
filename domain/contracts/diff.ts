import type { ColumnData, ContractData } from './contract-data.ts'
import { stopsWhenMissing } from './contract.ts'
import { diffChecks, diffRules, isEnforced } from './diff-rules.ts'
import type { Effect } from './version.ts'

/** What differs between two versions of a source's contract. */
export interface Change {
  readonly effect: Effect
  /** Such as `column quantity`, `rule quantity_max`, `drift of status`. */
  readonly what: string
  readonly kind:
    'added' | 'removed' | 'retyped' | 'moved' | 'tightened' | 'loosened' | 'changed' | 'reworded'
  /** The column that it is about, if it is about one. */
  readonly column: string | null
  readonly before: string | null
  readonly now: string | null
}

/** Every change from one version of a contract to another. */
export function diffContracts(before: ContractData, now: ContractData): Change[] {
  const kept = (name: string) => before.columns.find((column) => column.name === name)
  return [
    ...before.columns
      .filter(({ name }) => !now.columns.some((column) => column.name === name))
      .map(removedColumn),
    ...now.columns.flatMap((column) => {
      const older = kept(column.name)
      if (!older) return [addedColumn(column, now)]
      return diffColumn(older, column, toldByRules(before, now, column.name))
    }),
    ...diffDerived(before.derived, now.derived),
    ...diffRules(before, now),
    ...diffChecks(before.checks, now.checks),
    ...diffSource(before, now),
  ]
}

function removedColumn({ name, type }: ColumnData): Change {
  const what = `column ${name}`
  return { effect: 'breaking', what, kind: 'removed', column: name, before: type, now: null }
}

/** Until now any value of its field was good: it was kept in extras. Its rules come with it. */
function addedColumn(column: ColumnData, { rules }: ContractData): Change {
  const { name, type } = column
  const isNeeded = column.required === true || stopsWhenMissing(column)
  const enforced = rules.filter((rule) => rule.column === name && isEnforced(rule))
  const words = [type, ...(isNeeded ? ['required'] : []), ...enforced.map(({ id }) => `rule ${id}`)]
  return {
    effect: isNeeded || enforced.length > 0 ? 'breaking' : 'widening',
    what: `column ${name}`,
    kind: 'added',
    column: name,
    before: null,
    now: words.join(', '),
  }
}

const toldByName = ['name', 'from', 'type', 'whenMissing', 'whenRetyped']

/**
 * Properties from which nothing but rules follows: where the rules differ, they tell these. A key's
 * values are trimmed too.
 */
function toldByRules(before: ContractData, now: ContractData, column: string): string[] {
  const rulesOf = ({ rules }: ContractData) => rules.filter((rule) => rule.column === column)
  return isSame(rulesOf(before), rulesOf(now))
    ? []
    : [
        ...['required', 'requiredWhen', 'accepted', 'min', 'max', 'above'],
        ...['notFuture', 'maxAgeDays', 'severity', 'severities'],
      ]
}

function diffColumn(before: ColumnData, now: ColumnData, told: readonly string[]): Change[] {
  const { name } = now
  const changed = (kind: Change['kind'], was: string, is: string): Change => ({
    ...{ effect: 'breaking', what: `column ${name}`, kind, column: name, before: was, now: is },
  })
  const [fieldBefore, field] = [before.from ?? name, now.from ?? name]
  const others = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (property) =>
      ![...toldByName, ...told].includes(property) && !isSame(before[property], now[property]),
  )
  return [
    ...(before.type === now.type ? [] : [changed('retyped', before.type, now.type)]),
    ...(fieldBefore === field ? [] : [changed('moved', `field ${fieldBefore}`, `field ${field}`)]),
    ...others.map((property) =>
      changed('changed', inWords(property, before[property]), inWords(property, now[property])),
    ),
    ...diffDrift(before, now),
  ]
}

function inWords(property: string, value: unknown): string {
  return value === undefined
    ? `no ${property}`
    : `${property} ${typeof value === 'string' ? value : JSON.stringify(value)}`
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function diffDrift(before: ColumnData, now: ColumnData): Change[] {
  const missing = (column: ColumnData) => (stopsWhenMissing(column) ? 'stop' : 'default')
  const retyped = (column: ColumnData) => column.whenRetyped ?? 'quarantine'
  return [
    policyChange(now.name, 'when missing', missing(before), missing(now)),
    policyChange(now.name, 'when retyped', retyped(before), retyped(now)),
  ].flatMap((change) => change ?? [])
}

function policyChange(
  column: string,
  policy: string,
  before: string,
  now: string,
): Change | undefined {
  if (before === now) return undefined
  const isStricter = now === 'stop'
  return {
    effect: isStricter ? 'breaking' : 'widening',
    what: `drift of ${column}`,
    kind: isStricter ? 'tightened' : 'loosened',
    column,
    before: `${policy}: ${before}`,
    now: `${policy}: ${now}`,
  }
}

function diffDerived(before: ContractData['derived'], now: ContractData['derived']): Change[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])]
  return names
    .filter((name) => before[name] !== now[name])
    .map((name): Change => {
      const [was, is] = [before[name] ?? null, now[name] ?? null]
      const kind = was === null ? 'added' : is === null ? 'removed' : 'changed'
      const effect = kind === 'added' ? 'widening' : 'breaking'
      return { effect, what: `derived ${name}`, kind, column: name, before: was, now: is }
    })
}

/** The severity of a contract is carried by its rules. */
const toldApart = [
  ...['source', 'version', 'columns', 'derived', 'rules', 'checks', 'severity', 'newColumn', 'sla'],
]

function diffSource(before: ContractData, now: ContractData): Change[] {
  const properties = [...new Set([...Object.keys(before), ...Object.keys(now)])]
  const others = properties
    .filter((name) => !toldApart.includes(name) && !isSame(before[name], now[name]))
    .map((name): Change => {
      // A reference only warns of what a catalogue does not list.
      const effect = name === 'reference' ? 'harmless' : 'breaking'
      const [was, is] = [before[name], now[name]].map((value) =>
        value === undefined || value === null ? null : inWords(name, value),
      )
      return {
        effect,
        what: name,
        kind: 'changed',
        column: null,
        before: was ?? null,
        now: is ?? null,
      }
    })
  return [...diffNewColumn(before, now), ...others, ...diffSla(before.sla, now.sla)]
}

/** `ignore` drops what `keep` keeps in extras; `refuse` stops the day for it. */
function diffNewColumn({ newColumn: was = 'keep' }: ContractData, now: ContractData): Change[] {
  const { newColumn: is = 'keep' } = now
  if (was === is) return []
  const strictness = ['keep', 'ignore', 'refuse']
  const isStricter = strictness.indexOf(is) > strictness.indexOf(was)
  return [
    {
      effect: isStricter ? 'breaking' : 'widening',
      what: 'drift of new columns',
      kind: isStricter ? 'tightened' : 'loosened',
      ...{ column: null, before: was, now: is },
    },
  ]
}

function diffSla(before: ContractData['sla'], now: ContractData['sla']): Change[] {
  if (isSame(before, now)) return []
  const isLater = before !== null && (now === null || now.latencySeconds > before.latencySeconds)
  return [
    {
      effect: isLater ? 'breaking' : 'harmless',
      ...{ what: 'sla', kind: 'changed', column: null },
      ...{ before: slaInWords(before), now: slaInWords(now) },
    },
  ]
}

function slaInWords(sla: ContractData['sla']): string | null {
  return sla && `${sla.latencySeconds} s after ${sla.schedule}`
}
