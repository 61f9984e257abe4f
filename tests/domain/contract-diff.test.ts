import { expect, test } from 'vitest'
import { describeContract, type ContractData } from '../../domain/contracts/contract-data.ts'
import type { Column, Contract } from '../../domain/contracts/contract.ts'
import { diffContracts } from '../../domain/contracts/diff.ts'
import { sampleShopContracts } from '../../domain/contracts/sample-shop.ts'

const { orders, products } = sampleShopContracts('UTC')
const shipped = describeContract(orders, null)

function withColumn(name: string, change: (column: Column) => Column): Contract {
  const columns = orders.columns.map((column) => (column.name === name ? change(column) : column))
  return { ...orders, columns }
}

const told = (before: ContractData, now: ContractData) =>
  diffContracts(before, now).map(({ effect, what, kind }) => `${effect}: ${what} ${kind}`)
const toldOf = (now: Contract) => told(shipped, describeContract(now, null))

test('a contract does not differ from itself', () => {
  expect(told(shipped, shipped)).toEqual([])
})

test('another version alone is no change', () => {
  expect(toldOf({ ...orders, version: '2.0.0' })).toEqual([])
})

const weight: Column = { name: 'weight', type: 'integer' }
const note: Column = { name: 'note', type: 'text' }

test.each<[string, Contract, string[]]>([
  [
    'a column less',
    { ...orders, columns: orders.columns.filter(({ name }) => name !== 'channel') },
    ['breaking: column channel removed'],
  ],
  [
    'a column more that any value fits',
    { ...orders, columns: [...orders.columns, note] },
    ['widening: column note added'],
  ],
  [
    'a column more that rejects what is no number',
    { ...orders, columns: [...orders.columns, weight] },
    ['breaking: column weight added'],
  ],
  [
    'a column more whose rules only warn',
    { ...orders, columns: [...orders.columns, { ...weight, severities: { type: 'warn' } }] },
    ['widening: column weight added', 'harmless: check orders_rule_weight_type added'],
  ],
  [
    'a required column more',
    { ...orders, columns: [...orders.columns, { ...weight, required: true }] },
    ['breaking: column weight added'],
  ],
  [
    'another type',
    withColumn('channel', (column) => ({ ...column, type: 'integer' })),
    [
      'breaking: column channel retyped',
      'widening: rule channel_length removed',
      'breaking: rule channel_type added',
    ],
  ],
  [
    'another field',
    withColumn('channel', (column) => ({ ...column, from: 'sales_channel' })),
    ['breaking: column channel moved'],
  ],
  [
    'a column that is required now',
    withColumn('channel', (column) => ({ ...column, required: true })),
    ['breaking: drift of channel tightened', 'breaking: rule channel_required added'],
  ],
  [
    'a column that may be missing now',
    withColumn('status', (column) => ({ ...column, required: false })),
    ['widening: drift of status loosened', 'widening: rule status_required removed'],
  ],
  [
    'a lower maximum',
    withColumn('quantity', (column) => ({ ...column, max: 1000 })),
    ['breaking: rule quantity_max tightened'],
  ],
  [
    'a higher maximum',
    withColumn('quantity', (column) => ({ ...column, max: 1_000_000 })),
    ['widening: rule quantity_max loosened'],
  ],
  [
    'a bound that may be met now',
    withColumn('unit_price', ({ above: min = 0, ...column }) => ({ ...column, min })),
    ['widening: rule unit_price_min loosened'],
  ],
  [
    'a status more',
    withColumn('status', (column) => ({ ...column, accepted: [...column.accepted!, 'lost'] })),
    ['widening: rule status_accepted loosened'],
  ],
  [
    'other statuses',
    withColumn('status', (column) => ({ ...column, accepted: ['paid', 'lost'] })),
    ['breaking: rule status_accepted changed'],
  ],
  [
    'a shorter time to deliver in',
    withColumn('order_ts', (column) => ({ ...column, maxAgeDays: 7 })),
    ['breaking: rule order_ts_not_too_old tightened'],
  ],
  [
    'another default',
    withColumn('currency', (column) => ({ ...column, defaultSql: "'USD'" })),
    ['breaking: column currency changed'],
  ],
  [
    'another tidying',
    withColumn('channel', (column) => ({ ...column, tidy: (text) => `lower(${text})` })),
    ['breaking: column channel changed'],
  ],
  [
    'a day that stops when a column is of another type',
    withColumn('quantity', (column) => ({ ...column, whenRetyped: 'stop' })),
    ['breaking: drift of quantity tightened'],
  ],
  [
    'new columns that are refused',
    { ...orders, newColumn: 'refuse' },
    ['breaking: drift of new columns tightened'],
  ],
  [
    'a column that is a key now, and is trimmed',
    withColumn('customer_name', (column) => ({ ...column, isKey: true })),
    ['breaking: column customer_name changed', 'breaking: rule customer_name_length added'],
  ],
  [
    'another way to derive a column',
    { ...orders, derived: { ...orders.derived, line_type: "'sample'" } },
    ['breaking: derived line_type changed'],
  ],
  [
    'another record key',
    { ...orders, recordKey: ['order_id', 'vendor_id'] },
    ['breaking: recordKey changed'],
  ],
])('%s', (_, now, expected) => {
  expect(toldOf(now)).toEqual(expected)
})

test('a change to and fro: what one direction tightens, the other loosens', () => {
  const tighter = describeContract(
    withColumn('quantity', (column) => ({ ...column, max: 10 })),
    null,
  )
  expect(told(tighter, shipped)).toEqual(['widening: rule quantity_max loosened'])
})

function withCheck(id: string, change: Record<string, string | number>): ContractData {
  const checks = shipped.checks.map((check) => (check.id === id ? { ...check, ...change } : check))
  return { ...shipped, checks }
}

test.each<[string, ContractData, string[]]>([
  [
    'a narrower critical check',
    withCheck('orders_volume', { min: 200 }),
    ['breaking: check orders_volume tightened'],
  ],
  [
    'a wider critical check',
    withCheck('orders_volume', { max: 600_000 }),
    ['widening: check orders_volume loosened'],
  ],
  [
    'a critical check narrower at one end, wider at the other',
    withCheck('orders_volume', { min: 200, max: 600_000 }),
    ['breaking: check orders_volume changed'],
  ],
  [
    'a narrower check that warns',
    withCheck('orders_duplicate_share', { max: 0.01 }),
    ['harmless: check orders_duplicate_share tightened'],
  ],
  [
    'a warning that stops the day now',
    withCheck('orders_duplicate_share', { severity: 'critical' }),
    ['breaking: check orders_duplicate_share tightened'],
  ],
  [
    'a check that holds the day instead of stopping it',
    withCheck('orders_volume', { severity: 'error' }),
    ['widening: check orders_volume loosened'],
  ],
  [
    'another measure',
    withCheck('orders_volume', { measure: 'count(*)' }),
    ['breaking: check orders_volume changed'],
  ],
  [
    'other words',
    withCheck('orders_volume', { words: 'orders' }),
    ['harmless: check orders_volume reworded'],
  ],
  [
    'a check less',
    { ...shipped, checks: shipped.checks.filter(({ id }) => id !== 'orders_volume') },
    ['widening: check orders_volume removed'],
  ],
])('%s', (_, now, expected) => {
  expect(told(shipped, now)).toEqual(expected)
})

function withRule(id: string, change: Record<string, string>): ContractData {
  const rules = shipped.rules.map((rule) => (rule.id === id ? { ...rule, ...change } : rule))
  return { ...shipped, rules }
}

test('a rule that only warns now lets records load', () => {
  expect(told(shipped, withRule('quantity_max', { severity: 'warn' }))).toEqual([
    'widening: rule quantity_max loosened',
  ])
  const warned = withRule('quantity_max', { severity: 'warn' })
  expect(told(warned, withRule('quantity_max', { severity: 'info' }))).toEqual([
    'harmless: rule quantity_max loosened',
  ])
})

test('a milder contract is told by its rules alone', () => {
  const milder = describeContract({ ...orders, severity: 'error' }, null)
  const loosened = told(shipped, milder)
  expect(loosened).toContain('widening: rule quantity_max loosened')
  expect(loosened.filter((change) => !/^widening: rule \w+ loosened$/.test(change))).toEqual([])
  const tightened = told(milder, shipped)
  expect(tightened).toContain('breaking: rule quantity_max tightened')
  expect(tightened).not.toContain('breaking: severity changed')
})

test('a new column says by which rules it rejects', () => {
  const columns = [...orders.columns, { ...weight, max: 50 }]
  expect(diffContracts(shipped, describeContract({ ...orders, columns }, null))).toMatchObject([
    { effect: 'breaking', now: 'integer, rule weight_type, rule weight_max' },
  ])
})

test('a shorter key is tighter; a condition that cannot be compared is changed', () => {
  expect(
    told(shipped, withRule('order_id_length', { isBroken: 'length(order_id) > 100' })),
  ).toEqual(['breaking: rule order_id_length tightened'])
  expect(told(shipped, withRule('quantity_type', { isBroken: 'quantity is null' }))).toEqual([
    'breaking: rule quantity_type changed',
  ])
  expect(told(shipped, withRule('quantity_type', { expected: 'a number' }))).toEqual([
    'harmless: rule quantity_type reworded',
  ])
})

test('figures that are promised later are breaking, earlier ones harmless', () => {
  const promised = (latencySeconds: number) =>
    describeContract(products, { schedule: 'CRON_TZ=UTC 0 2 * * *', latencySeconds })
  expect(told(promised(3600), promised(7200))).toEqual(['breaking: sla changed'])
  expect(told(promised(7200), promised(3600))).toEqual(['harmless: sla changed'])
})
