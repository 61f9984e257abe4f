import type { CheckData, ColumnData, ContractData, RuleData } from './contract-data.ts'
import type { CustomProperties, OdcsDocument, Property, Quality } from './odcs.ts'

type Json = CustomProperties[number]['value']

const logicalTypes = {
  text: 'string',
  integer: 'integer',
  money: 'number',
  timestamp: 'timestamp',
} as const

/** A contract in the Open Data Contract Standard 3.1; `fromOdcs` reads it back without a loss. */
export function toOdcs(contract: ContractData): OdcsDocument {
  const { source, version, shopId, columns, derived, recordKey } = contract
  const { rules, checks, reference, sla, ...extras } = contract
  return {
    apiVersion: 'v3.1.0',
    kind: 'DataContract',
    id: source,
    name: source,
    version,
    status: 'active',
    domain: shopId,
    schema: [
      {
        name: source,
        logicalType: 'object',
        physicalType: 'table',
        physicalName: `staging.${source}_clean`,
        properties: [
          ...columns.map((column) => propertyOf(column, recordKey, rules)),
          ...Object.entries(derived).map(([name, sql]) => ({
            ...{ name, transformLogic: sql },
            ...keyPlace(name, recordKey),
          })),
        ],
        ...(reference && { relationships: [relationshipOf(source, reference)] }),
        quality: checks.map(checkQuality),
      },
    ],
    ...(sla && { slaProperties: [slaProperty(source, sla)] }),
    customProperties: without(extras, [
      ...['source', 'version', 'shopId', 'columns', 'derived', 'recordKey'],
    ]),
  }
}

function propertyOf(
  column: ColumnData,
  recordKey: readonly string[],
  rules: readonly RuleData[],
): Property {
  const { name, from, type, required, min, max, above } = column
  const options = {
    ...(min !== undefined && { minimum: min }),
    ...(max !== undefined && { maximum: max }),
    ...(above !== undefined && { exclusiveMinimum: above }),
  }
  const quality = rules
    .filter((rule) => rule.column === name)
    .map((rule) => ruleQuality(rule, column))
  return {
    name,
    ...(from !== undefined && { physicalName: from }),
    logicalType: logicalTypes[type],
    ...(Object.keys(options).length > 0 && { logicalTypeOptions: options }),
    ...(required !== undefined && { required }),
    ...keyPlace(name, recordKey),
    ...(quality.length > 0 && { quality }),
    ...customOf(column, [
      ...['name', 'from', 'type', 'required', 'min', 'max', 'above', 'accepted'],
    ]),
  }
}

function keyPlace(name: string, recordKey: readonly string[]) {
  const place = recordKey.indexOf(name)
  return place < 0 ? {} : { primaryKey: true, primaryKeyPosition: place + 1 }
}

function ruleQuality(rule: RuleData, column: ColumnData): Quality {
  const { id, isBroken, expected, severity } = rule
  const named = { name: id, description: expected, ...(severity !== undefined && { severity }) }
  const known = ['id', 'column', 'expected', 'severity']
  if (id === `${column.name}_required` && column.required === true) {
    return { ...named, type: 'library', metric: 'nullValues', mustBe: 0, ...customOf(rule, known) }
  }
  if (id === `${column.name}_accepted` && column.accepted !== undefined) {
    const values = { arguments: { validValues: column.accepted }, mustBe: 0 }
    return {
      ...{ ...named, type: 'library', metric: 'invalidValues', ...values },
      ...customOf(rule, known),
    }
  }
  return {
    ...{ ...named, type: 'custom', engine: 'daybook', implementation: isBroken },
    ...customOf(rule, [...known, 'isBroken']),
  }
}

/** Before the measure of a check in a query, and after it. */
export const queryAround = ['select ', '\nfrom ${table}'] as const

function checkQuality(check: CheckData): Quality {
  const { id, severity, words, unit, scan, measure } = check
  const named = { name: id, description: words, severity, unit }
  const known = ['id', 'severity', 'words', 'unit', 'scan']
  const operator = operatorOf(check)
  if (operator && scan === 'keys' && isTexts(check['key'])) {
    return {
      ...{ ...named, type: 'library', metric: 'duplicateValues', ...operator.written },
      ...{ arguments: { properties: check['key'] } },
      ...customOf(check, [...known, 'key', ...operator.bounds]),
    }
  }
  if (operator && scan === 'records' && measure === 'count(*)') {
    return {
      ...{ ...named, type: 'library', metric: 'rowCount', ...operator.written },
      ...customOf(check, [...known, 'measure', ...operator.bounds]),
    }
  }
  if (operator && scan === 'records') {
    return {
      ...{ ...named, type: 'sql', query: queryAround.join(measure), ...operator.written },
      ...customOf(check, [...known, 'measure', ...operator.bounds]),
    }
  }
  const measured = ['scan', 'measure', 'min', 'max', 'above']
  const entries = Object.entries(check).filter(([name]) => measured.includes(name))
  return {
    ...{ ...named, type: 'custom', engine: 'daybook' },
    implementation: Object.fromEntries(entries),
    ...customOf(check, [...known, ...measured]),
  }
}

/** The one comparison that the standard allows, and the bounds that it says. */
function operatorOf({ min, max, above }: CheckData) {
  if (above !== undefined) return { written: { mustBeGreaterThan: above }, bounds: ['above'] }
  if (min !== undefined && max !== undefined && min < max) {
    return { written: { mustBeBetween: [min, max] satisfies Pair }, bounds: ['min', 'max'] }
  }
  if (max !== undefined) return { written: { mustBeLessOrEqualTo: max }, bounds: ['max'] }
  if (min !== undefined) return { written: { mustBeGreaterOrEqualTo: min }, bounds: ['min'] }
  return undefined
}

type Pair = [number, number]

function isTexts(value: Json | undefined): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function relationshipOf(source: string, reference: NonNullable<ContractData['reference']>) {
  return {
    type: 'foreignKey',
    from: reference.columns.map((column) => `${source}.${column}`),
    to: reference.columns.map((column) => `${reference.source}.${column}`),
  }
}

function slaProperty(
  source: string,
  { schedule, latencySeconds }: NonNullable<ContractData['sla']>,
) {
  return {
    property: 'latency',
    value: latencySeconds,
    unit: 's',
    element: source,
    description: 'from the start of the run that books a day until its figures are ready',
    scheduler: 'cron',
    schedule,
  }
}

function customOf(values: Readonly<Record<string, Json | undefined>>, known: readonly string[]) {
  const customProperties = without(values, known)
  return customProperties.length > 0 ? { customProperties } : {}
}

function without(
  values: Readonly<Record<string, Json | undefined>>,
  known: readonly string[],
): CustomProperties {
  return Object.entries(values).flatMap(([property, value]) =>
    known.includes(property) || value === undefined ? [] : [{ property, value }],
  )
}
