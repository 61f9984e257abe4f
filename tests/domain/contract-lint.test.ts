import { expect, test } from 'vitest'
import { allContracts } from '../../domain/contracts/all-contracts.ts'
import type { Column, Contract } from '../../domain/contracts/contract.ts'
import { lintContract } from '../../domain/contracts/lint.ts'
import { sampleShopContracts } from '../../domain/contracts/sample-shop.ts'

const { orders } = sampleShopContracts('UTC')

test.each(allContracts().map((contract) => [contract.source, contract] as const))(
  'the shipped contract of %s has nothing wrong',
  (_, contract) => {
    expect(lintContract(contract)).toEqual([])
  },
)

const withColumn = (name: string, change: Partial<Column>): Contract => ({
  ...orders,
  columns: orders.columns.map((each) => (each.name === name ? { ...each, ...change } : each)),
})

test.each<[string, Partial<Column>, string]>([
  ['channel', { name: 'chanel' }, 'is no column of the family order_lines'],
  ['currency', { required: true }, 'is required and has a default'],
  ['user_id', { requiredWhen: 'quantity > 1' }, 'is required twice over'],
  ['status', { accepted: [] }, 'accepts nothing'],
  ['status', { accepted: ['paid', 'paid'] }, 'accepts a value twice'],
  ['quantity', { accepted: ['1'] }, 'accepts texts, but is none'],
  ['channel', { min: 1 }, 'has bounds, but is no number'],
  ['quantity', { min: 5, max: 4 }, 'has a min above its max'],
  ['unit_price', { max: 0 }, 'must exceed its max'],
  ['unit_price', { min: 1 }, 'has two lower bounds'],
  ['status', { notFuture: true }, 'has an age, but is no timestamp'],
  ['order_ts', { maxAgeDays: -1 }, 'has an age below zero'],
  ['currency', { whenMissing: 'stop' }, 'stops the day when missing, but has a default'],
  ['status', { whenRetyped: 'stop' }, 'cannot be of another type than text'],
  [
    'quantity',
    { severities: { accepted: 'warn' } },
    'says how severe accepted is, but has no such rule',
  ],
  [
    'quantity',
    { severities: { type: 'warn' } },
    'loads records without a value, but staging needs one',
  ],
  ['status', { required: false }, 'may be missing, but staging needs a value or a default'],
])('%s with %j: %s', (name, change, problem) => {
  const problems = lintContract(withColumn(name, change))
  const column = change.name ?? name
  expect(problems).toContainEqual({ source: 'orders', column, problem })
})

test('a rule may let records load without a value where staging needs none, or a default is there', () => {
  const lenient = [
    withColumn('user_id', { severities: { required: 'info' } }),
    withColumn('vendor_id', { type: 'integer', severities: { type: 'warn' } }),
  ]
  expect(lenient.flatMap(lintContract)).toEqual([])
})

test.each<[string, Contract]>([
  ['fills region twice', withColumn('channel', { name: 'region' })],
  ['reads the field region twice', withColumn('channel', { from: 'region' })],
  ['has the rule region_type twice', withColumn('channel', { name: 'region', type: 'money' })],
  ['derives weight, which the family', { ...orders, derived: { ...orders.derived, weight: '1' } }],
  ['does not say where line_type comes from', { ...orders, derived: {} }],
  ['has parcel_id in its record key', { ...orders, recordKey: ['parcel_id'] }],
  ['has the version 1.0', { ...orders, version: '1.0' }],
])('a contract that %s', (problem, contract) => {
  const spoilt = problem.includes('rule region_type')
    ? { ...contract, columns: contract.columns.map((each) => asMoney(each)) }
    : contract
  const problems = lintContract(spoilt).map((each) => each.problem)
  expect(problems.filter((each) => each.startsWith(problem))).toHaveLength(1)
})

function asMoney(column: Column): Column {
  return column.name === 'region' ? { ...column, type: 'money' } : column
}

test('a contract of more rules than fit is told so', () => {
  const many = Array.from({ length: 20 }, (_, index) => ({
    ...orders.columns[4]!,
    name: `q${index}`,
  }))
  const problems = lintContract({ ...orders, columns: [...orders.columns, ...many] })
  expect(problems.map((each) => each.problem)).toContainEqual(expect.stringMatching(/rules; 49 is/))
})
