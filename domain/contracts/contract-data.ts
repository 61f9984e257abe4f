import { z } from 'zod'
import { catalogueReference, checksOf } from '../checks.ts'
import { severities } from '../severity.ts'
import type { Column, Contract } from './contract.ts'
import { rulesOf } from './contract.ts'
import { isVersion } from './version.ts'

/** Properties that nothing here knows by name are kept as they are. */
const ColumnData = z
  .object({
    name: z.string(),
    from: z.string().exactOptional(),
    type: z.enum(['text', 'integer', 'money', 'timestamp']),
    required: z.boolean().exactOptional(),
    whenMissing: z.enum(['stop', 'default']).exactOptional(),
    whenRetyped: z.enum(['quarantine', 'stop']).exactOptional(),
    accepted: z.array(z.string()).exactOptional(),
    min: z.number().exactOptional(),
    max: z.number().exactOptional(),
    above: z.number().exactOptional(),
    maxAgeDays: z.number().exactOptional(),
  })
  .catchall(z.json())
export type ColumnData = z.infer<typeof ColumnData>

const RuleData = z
  .object({
    id: z.string(),
    column: z.string(),
    isBroken: z.string(),
    expected: z.string(),
    severity: z.enum(severities).exactOptional(),
  })
  .catchall(z.json())
export type RuleData = z.infer<typeof RuleData>

const CheckData = z
  .object({
    id: z.string(),
    severity: z.enum(severities),
    scan: z.string(),
    measure: z.string(),
    unit: z.string(),
    words: z.string(),
    min: z.number().exactOptional(),
    max: z.number().exactOptional(),
    above: z.number().exactOptional(),
  })
  .catchall(z.json())
export type CheckData = z.infer<typeof CheckData>

const Sla = z.object({
  /** Cron of the run that books the source, led by `CRON_TZ=<zone> `. */
  schedule: z.string(),
  /** From the start of that run until its figures are promised. */
  latencySeconds: z.number(),
})
export type Sla = z.infer<typeof Sla>

/** A contract as data, with what follows from it: what is exported, and compared with another. */
export const ContractData = z
  .object({
    source: z.string(),
    version: z.string().refine(isVersion, 'it must be such as 1.0.0'),
    shopId: z.string(),
    timeZone: z.string(),
    format: z.string(),
    family: z.enum(['order_lines', 'events', 'products']),
    newColumn: z.enum(['keep', 'ignore', 'refuse']).exactOptional(),
    columns: z.array(ColumnData),
    derived: z.record(z.string(), z.string()),
    recordKey: z.array(z.string()),
    rules: z.array(RuleData),
    checks: z.array(CheckData),
    /** The source that lists what records of this one name, and the columns by which. */
    reference: z.object({ source: z.string(), columns: z.array(z.string()) }).nullable(),
    sla: Sla.nullable(),
  })
  .catchall(z.json())
export type ContractData = z.infer<typeof ContractData>

/** Stands for a field's text in exported SQL. */
const textPlaceholder = '{text}'

export function describeContract(contract: Contract, sla: Sla | null): ContractData {
  const reference = catalogueReference(contract)
  const described = {
    ...contract,
    columns: contract.columns.map(describeColumn),
    rules: rulesOf(contract),
    checks: checksOf(contract),
    reference: reference && { source: reference.catalogue.source, columns: reference.columns },
    sla,
  }
  return ContractData.parse(JSON.parse(JSON.stringify(described)))
}

function describeColumn({ tidy, ...column }: Column) {
  return tidy === undefined ? column : { ...column, tidySql: tidy(textPlaceholder) }
}
