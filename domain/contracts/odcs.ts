import { z } from 'zod'

/** The part of the Open Data Contract Standard 3.1 (bitol.io) that Daybook writes and reads. */
const CustomProperties = z.array(z.object({ property: z.string(), value: z.json() }))
export type CustomProperties = z.infer<typeof CustomProperties>

const Quality = z.looseObject({
  name: z.string(),
  description: z.string(),
  severity: z.string().exactOptional(),
  unit: z.string().exactOptional(),
  type: z.enum(['library', 'sql', 'custom']),
  metric: z.enum(['nullValues', 'invalidValues', 'duplicateValues', 'rowCount']).exactOptional(),
  arguments: z
    .object({
      validValues: z.array(z.string()).exactOptional(),
      properties: z.array(z.string()).exactOptional(),
    })
    .exactOptional(),
  query: z.string().exactOptional(),
  engine: z.literal('daybook').exactOptional(),
  implementation: z.union([z.string(), z.record(z.string(), z.json())]).exactOptional(),
  mustBe: z.number().exactOptional(),
  mustBeBetween: z.tuple([z.number(), z.number()]).exactOptional(),
  mustBeGreaterThan: z.number().exactOptional(),
  mustBeGreaterOrEqualTo: z.number().exactOptional(),
  mustBeLessOrEqualTo: z.number().exactOptional(),
  customProperties: CustomProperties.exactOptional(),
})
export type Quality = z.infer<typeof Quality>

const Property = z.looseObject({
  name: z.string(),
  physicalName: z.string().exactOptional(),
  logicalType: z.enum(['string', 'integer', 'number', 'timestamp']).exactOptional(),
  logicalTypeOptions: z
    .looseObject({
      minimum: z.number().exactOptional(),
      maximum: z.number().exactOptional(),
      exclusiveMinimum: z.number().exactOptional(),
    })
    .exactOptional(),
  required: z.boolean().exactOptional(),
  primaryKey: z.boolean().exactOptional(),
  primaryKeyPosition: z.number().exactOptional(),
  transformLogic: z.string().exactOptional(),
  quality: z.array(Quality).exactOptional(),
  customProperties: CustomProperties.exactOptional(),
})
export type Property = z.infer<typeof Property>

const SchemaObject = z.looseObject({
  name: z.string(),
  properties: z.array(Property),
  relationships: z
    .array(z.looseObject({ from: z.array(z.string()), to: z.array(z.string()) }))
    .exactOptional(),
  quality: z.array(Quality),
})

/** One source: one document with one schema. */
export const OdcsDocument = z.looseObject({
  apiVersion: z.literal('v3.1.0'),
  kind: z.literal('DataContract'),
  id: z.string(),
  version: z.string(),
  status: z.string(),
  domain: z.string(),
  schema: z.tuple([SchemaObject]),
  slaProperties: z
    .tuple([z.looseObject({ value: z.number(), schedule: z.string() })])
    .exactOptional(),
  customProperties: CustomProperties,
})
export type OdcsDocument = z.infer<typeof OdcsDocument>
