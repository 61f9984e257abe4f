import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { describeWithSla } from '../../cli/describe-contracts.ts'
import { checksOf } from '../../domain/checks.ts'
import { allContracts } from '../../domain/contracts/all-contracts.ts'
import { describeContract, type ContractData } from '../../domain/contracts/contract-data.ts'
import { rulesOf } from '../../domain/contracts/contract.ts'
import { fromOdcs } from '../../domain/contracts/from-odcs.ts'
import { OdcsDocument } from '../../domain/contracts/odcs.ts'
import { sampleShopContracts } from '../../domain/contracts/sample-shop.ts'
import { toOdcs } from '../../domain/contracts/to-odcs.ts'
import { contractsAsYaml, readContracts } from '../../platform/contract-file.ts'
import { runCli } from '../support/run-cli.ts'
import { tempFolder } from '../support/temp-folder.ts'

const { orders } = sampleShopContracts('UTC')
const exported = (...args: string[]) => runCli(['contract', 'export', ...args])

function written(text: string): string {
  const file = join(tempFolder('contracts'), 'contract.odcs')
  writeFileSync(file, text)
  return file
}

test.each(allContracts('Europe/Paris').map((contract) => [contract.source, contract] as const))(
  'the exported contract of %s is read back as it was, with every rule and check',
  async (_, contract) => {
    const described = describeWithSla(contract)
    const back = await readContracts(written(contractsAsYaml([described])))
    expect(back).toEqual([described])
    const [{ columns, rules, checks }] = back as [ContractData]
    const asData = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
    expect(columns.map(({ tidySql: _tidied, ...column }) => column)).toEqual(
      asData(contract.columns),
    )
    expect(columns.map(({ tidySql }) => tidySql)).toEqual(
      contract.columns.map(({ tidy }) => tidy?.('{text}')),
    )
    expect(rules).toEqual(asData(rulesOf(contract)))
    expect(checks).toEqual(asData(checksOf(contract)))
  },
)

test('properties that the export does not know by name go and come back as well', () => {
  const described = describeContract(orders, null)
  const [first, ...others] = described.columns
  const more: ContractData = {
    ...described,
    owner: { team: 'orders', mail: null },
    columns: [{ ...first!, pii: ['mask', 1, true] }, ...others],
    rules: described.rules.map((rule) => ({ ...rule, severity: 'warn', note: 'x' })),
    checks: described.checks.map((check) => ({ ...check, retention: 90 })),
  }
  expect(fromOdcs(JSON.parse(JSON.stringify(toOdcs(more))))).toEqual(more)
})

test('what the standard has a place for stands there', () => {
  const document = toOdcs(describeWithSla(orders))
  const [schema] = document.schema
  const property = (name: string) => schema.properties.find((each) => each.name === name)
  expect(document).toMatchObject({ apiVersion: 'v3.1.0', kind: 'DataContract', version: '1.0.0' })
  expect(property('order_id')).toMatchObject({
    primaryKey: true,
    primaryKeyPosition: 1,
    required: true,
  })
  expect(property('quantity')).toMatchObject({
    ...{ logicalType: 'integer', logicalTypeOptions: { minimum: 1, maximum: 100_000 } },
  })
  expect(property('unit_price')).toMatchObject({
    ...{
      physicalName: 'price',
      logicalType: 'number',
      logicalTypeOptions: { exclusiveMinimum: 0 },
    },
  })
  const statuses = ['paid', 'cancelled', 'refunded', 'pending']
  expect(property('status')!.quality).toMatchObject([
    { type: 'library', metric: 'nullValues', mustBe: 0 },
    { type: 'library', metric: 'invalidValues', arguments: { validValues: statuses }, mustBe: 0 },
  ])
  expect(schema.relationships).toEqual([
    {
      type: 'foreignKey',
      from: ['orders.vendor_id', 'orders.product_id'],
      to: ['products.vendor_id', 'products.product_id'],
    },
  ])
  const quality = (name: string) => schema.quality.find((each) => each.name === name)
  expect(quality('orders_unique_key')).toMatchObject({
    ...{ type: 'library', metric: 'duplicateValues', mustBeLessOrEqualTo: 0, severity: 'critical' },
    arguments: { properties: ['order_id', 'line_no'] },
  })
  expect(quality('orders_volume')).toMatchObject({
    ...{ type: 'sql', mustBeBetween: [100, 500_000] },
    query: 'select count(distinct order_id)\nfrom ${table}',
  })
  expect(quality('orders_quarantine_limit')).toMatchObject({ type: 'custom', engine: 'daybook' })
  expect(document.slaProperties).toMatchObject([
    { property: 'latency', value: 28_800, unit: 's', schedule: 'CRON_TZ=UTC 0 2 * * *' },
  ])
})

const operators = /^must/

test('every check has the one operator that the standard asks for, or none where it is custom', () => {
  for (const contract of allContracts()) {
    const [{ quality, properties }] = toOdcs(describeContract(contract, null)).schema
    for (const item of [...quality, ...properties.flatMap((property) => property.quality ?? [])]) {
      const used = Object.keys(item).filter((name) => operators.test(name))
      expect(used, item.name).toHaveLength(item.type === 'custom' ? 0 : 1)
      if (item.type === 'custom') expect(item.implementation, item.name).toBeDefined()
    }
  }
})

test('contract export prints one source or all of them, as YAML or JSON', async () => {
  const one = await exported('orders')
  expect(one).toMatchObject({ code: 0, stderr: '' })
  expect(OdcsDocument.parse(parse(one.stdout)).id).toBe('orders')
  const json = await exported('orders', '--json')
  expect(JSON.parse(json.stdout)).toEqual(parse(one.stdout))
  const names = allContracts().map(({ source }) => source)
  for (const args of [[], ['--json']]) {
    const { stdout } = await exported(...args)
    const read = await readContracts(written(stdout))
    expect(read.map(({ source }) => source)).toEqual(names)
  }
})

test('contract export of an unknown source is refused with what there is', async () => {
  expect(await exported('nothing')).toMatchObject({
    ...{ code: 2, stdout: '' },
    stderr: 'error: no source nothing; there are orders, events, products, online_retail\n',
  })
})
