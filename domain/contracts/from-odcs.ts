import { ContractData } from './contract-data.ts'
import { OdcsDocument, type CustomProperties, type Property, type Quality } from './odcs.ts'
import { queryAround } from './to-odcs.ts'

const types = {
  string: 'text',
  integer: 'integer',
  number: 'money',
  timestamp: 'timestamp',
} as const

/**
 * Reads back what `toOdcs` has written.
 * @throws ZodError naming the place that is none of it
 */
export function fromOdcs(exported: unknown): ContractData {
  const document = OdcsDocument.parse(exported)
  const [schema] = document.schema
  const [sla] = document.slaProperties ?? []
  const isColumn = (property: Property) => property.transformLogic === undefined
  return ContractData.parse({
    ...valuesOf(document.customProperties),
    source: document.id,
    version: document.version,
    shopId: document.domain,
    columns: schema.properties.filter(isColumn).map(columnOf),
    derived: Object.fromEntries(
      schema.properties
        .filter((property) => !isColumn(property))
        .map(({ name, transformLogic }) => [name, transformLogic]),
    ),
    recordKey: recordKeyOf(schema.properties),
    rules: schema.properties.flatMap(({ name, quality = [] }) =>
      quality.map((item) => ruleOf(item, name)),
    ),
    checks: schema.quality.map(checkOf),
    reference: referenceOf(schema.relationships?.[0]?.to),
    sla: sla ? { schedule: sla.schedule, latencySeconds: sla.value } : null,
  })
}

function columnOf(property: Property) {
  const { name, physicalName, logicalType, logicalTypeOptions, required, quality } = property
  const { minimum, maximum, exclusiveMinimum } = logicalTypeOptions ?? {}
  const accepted = quality?.find(({ metric }) => metric === 'invalidValues')?.arguments
  return defined({
    ...valuesOf(property.customProperties),
    name,
    from: physicalName,
    type: logicalType && types[logicalType],
    required,
    min: minimum,
    max: maximum,
    above: exclusiveMinimum,
    accepted: accepted?.validValues,
  })
}

function recordKeyOf(properties: readonly Property[]): string[] {
  return properties
    .filter(({ primaryKey }) => primaryKey === true)
    .toSorted((one, other) => (one.primaryKeyPosition ?? 0) - (other.primaryKeyPosition ?? 0))
    .map(({ name }) => name)
}

function ruleOf({ name, description, severity, implementation, ...item }: Quality, column: string) {
  return defined({
    isBroken: implementation,
    ...valuesOf(item.customProperties),
    ...{ id: name, column, expected: description, severity },
  })
}

function checkOf(item: Quality) {
  const { name, description, severity, unit, implementation } = item
  return defined({
    ...(typeof implementation === 'object' ? implementation : measuredBy(item)),
    ...boundsOf(item),
    ...valuesOf(item.customProperties),
    ...{ id: name, words: description, severity, unit },
  })
}

function measuredBy({ metric, query, arguments: given }: Quality) {
  if (metric === 'duplicateValues') return { scan: 'keys', key: given?.properties }
  if (metric === 'rowCount') return { scan: 'records', measure: 'count(*)' }
  const [before, after] = queryAround
  return { scan: 'records', measure: query?.slice(before.length, -after.length) }
}

function boundsOf(item: Quality) {
  const [min, max] = item.mustBeBetween ?? []
  return defined({
    min: min ?? item.mustBeGreaterOrEqualTo,
    max: max ?? item.mustBeLessOrEqualTo,
    above: item.mustBeGreaterThan,
  })
}

function referenceOf(to: readonly string[] | undefined) {
  if (to === undefined) return null
  const places = to.map((place) => place.split('.'))
  return { source: places[0]?.[0], columns: places.map(([, column]) => column) }
}

function valuesOf(properties: CustomProperties = []) {
  return Object.fromEntries(properties.map(({ property, value }) => [property, value]))
}

function defined(values: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}
