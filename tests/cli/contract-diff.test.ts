import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { consumersOf } from '../../activities/column-consumers.ts'
import { diffContract } from '../../cli/diff-contract.ts'
import { describeWithSla } from '../../cli/describe-contracts.ts'
import { onlineRetailContract } from '../../domain/contracts/online-retail.ts'
import type { Column, Contract } from '../../domain/contracts/contract.ts'
import { sampleShopContracts } from '../../domain/contracts/sample-shop.ts'
import { metrics } from '../../domain/metrics.ts'
import { loadConfig } from '../../platform/config.ts'
import { contractsAsYaml } from '../../platform/contract-file.ts'
import { runCli } from '../support/run-cli.ts'
import { tempFolder } from '../support/temp-folder.ts'

const { orders, events, products } = sampleShopContracts('UTC')

function withColumn(name: string, change: (column: Column) => Column): Contract {
  const columns = orders.columns.map((column) => (column.name === name ? change(column) : column))
  return { ...orders, columns }
}

function written(...contracts: Contract[]): string {
  const file = join(tempFolder('contracts'), 'contracts.odcs.yaml')
  writeFileSync(file, contractsAsYaml(contracts.map(describeWithSla)))
  return file
}

const diff = (...args: string[]) => runCli(['contract', 'diff', ...args])

test('the contracts that were exported last do not differ from the shipped ones', async () => {
  const file = written(orders, events, products, onlineRetailContract())
  const { code, stdout, stderr } = await diff('--against', file)
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(stdout.split('\n').filter((line) => line.endsWith('nothing changed'))).toHaveLength(4)
})

const looser = withColumn('quantity', (column) => ({ ...column, max: 1_000_000 }))

test('a breaking change without a new major version ends with 1, and names whom it hits', async () => {
  const { code, stdout, stderr } = await diff('orders', '--against', written(looser))
  expect(code).toBe(1)
  expect(stderr).toBe('Breaking without a new major version: orders has to become 2.0.0\n')
  expect(stdout).toContain('orders 1.0.0 → 1.0.0: the major version has to move, to 2.0.0 at least')
  expect(stdout).toMatch(
    /^breaking +rule quantity_max +tightened +at most 1000000 \(critical\) +at most 100000 \(critical\)$/m,
  )
  expect(stdout).toMatch(/^ {2}columns +fact_orders\.quantity, fact_orders\.gross_amount/m)
  expect(stdout).toMatch(/^ {2}metrics +gross_revenue, /m)
  expect(stdout).toMatch(/^ {2}checks +orders_revenue$/m)
  expect(stdout).toMatch(/^ {2}tasks +transform_orders_to_staging, load_fact_orders, /m)
})

test('it ends with 0 when the major version has moved, or the change breaks nothing', async () => {
  const moved = await diff(
    'orders',
    '--against',
    written({ ...looser, version: '0.9.4' }),
    '--json',
  )
  expect(moved).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(moved.stdout)).toMatchObject({
    sources: [{ versions: { before: '0.9.4', now: '1.0.0', toMove: 'major', isMoved: true } }],
    added: [],
    removed: [],
  })
  const tighter = withColumn('quantity', (column) => ({ ...column, max: 10 }))
  const widened = await diff('orders', '--against', written(tighter))
  expect(widened.code).toBe(0)
  expect(widened.stdout).toContain('the minor version has to move, to 1.1.0 at least')
})

test('sources that came are harmless, sources that are gone are breaking', async () => {
  const came = await diff('--against', written(orders, products, onlineRetailContract()))
  expect(came).toMatchObject({ code: 0, stderr: '' })
  expect(came.stdout).toContain('events: a new source, harmless')
  const file = written(orders, events, products, onlineRetailContract(), {
    ...orders,
    source: 'returns',
  })
  const gone = await diff('--against', file)
  expect(gone.code).toBe(1)
  expect(gone.stderr).toBe('Breaking without a new major version: returns is gone\n')
})

test('a changed rule of a contract is told with its consumers', async () => {
  const before = describeWithSla(orders)
  const stricter = withColumn('status', (column) => ({ ...column, accepted: ['paid'] }))
  const found = await diffContract(before, { ...stricter, version: '2.0.0' }, loadConfig({}))
  expect(found.versions).toEqual({
    ...{ before: '1.0.0', now: '2.0.0', toMove: 'major', isMoved: true, next: '2.0.0' },
  })
  expect(found.changes).toEqual([
    {
      ...{ effect: 'breaking', what: 'rule status_accepted', kind: 'tightened', column: 'status' },
      ...{
        before: 'one of paid, cancelled, refunded, pending (critical)',
        now: 'one of paid (critical)',
      },
      consumers: {
        columns: expect.arrayContaining(['fact_orders.status']),
        metrics: expect.arrayContaining(['gross_revenue', 'cancelled_orders']),
        checks: ['orders_status_accepted'],
        tasks: expect.arrayContaining(['load_fact_orders', 'compute_daily_metrics', 'dq_checks']),
      },
    },
  ])
})

test.each<[string, Contract, string, string[], string[]]>([
  ['passed on as it is', orders, 'discount_code', ['fact_orders.discount_code'], []],
  ['kept by no table', events, 'user_agent', [], []],
  [
    'computed with',
    orders,
    'unit_price',
    ['fact_orders.unit_price', 'fact_orders.gross_amount', 'daily_metrics.value'],
    [
      'gross_revenue',
      'net_revenue',
      'cancelled_revenue',
      'refunded_revenue',
      'pending_revenue',
      'postage',
      'fees',
      'other_amounts',
      'average_order_value',
    ],
  ],
  [
    'a dimension of metrics',
    products,
    'category',
    ['dim_product.category', 'daily_metrics.dimension', 'daily_metrics.segment'],
    ['gross_revenue', 'net_revenue', 'orders', 'units'],
  ],
])('a column %s: %o', async (_, contract, column, columns, named) => {
  const found = await consumersOf(contract, column)
  expect(found.columns.toSorted()).toEqual(columns.toSorted())
  expect(found.metrics.toSorted()).toEqual(named.toSorted())
})

test('every metric of sales and events has a column that it is made from', async () => {
  const read = await Promise.all(
    [orders, events].flatMap((contract) =>
      contract.columns.map(async ({ name }) => (await consumersOf(contract, name)).metrics),
    ),
  )
  const named = new Set(read.flat())
  const missing = metrics.filter(({ id, family }) => family !== 'volume' && !named.has(id))
  expect(missing.map(({ id }) => id)).toEqual([])
})

test('every column of a sale that the warehouse has by its name is found in its fact', async () => {
  for (const name of [
    'order_id',
    'user_id',
    'vendor_id',
    'product_id',
    'currency',
    'status',
    'region',
  ]) {
    expect((await consumersOf(orders, name)).columns).toContain(`fact_orders.${name}`)
  }
})

test.each([
  [
    ['nothing', '--against', written(orders)],
    'no source nothing; there are orders, events, products',
  ],
  [['events', '--against', written(orders)], 'has no contract of events; it has orders'],
  [
    ['--against', '/nowhere/contract.yaml'],
    '/nowhere/contract.yaml cannot be used: it is not there',
  ],
  [[], "required option '--against <file>' not specified"],
])('contract diff %j is refused with what to do', async (args, message) => {
  const { code, stdout, stderr } = await diff(...args)
  expect(code).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain(message)
})

const withSeverity = (place: RegExp) =>
  contractsAsYaml([describeWithSla(orders)]).replace(place, 'severity: fatal')

test.each([
  ['{"a": 1}', 'apiVersion: '],
  ['', 'it is empty'],
  ['a: [1', 'Flow sequence'],
  [
    contractsAsYaml([describeWithSla(orders)]).replace('version: 1.0.0', 'version: one'),
    'version: it must be such as 1.0.0',
  ],
  [withSeverity(/severity: critical/), 'rules.0.severity: Invalid option'],
  [withSeverity(/severity: critical(?![^]*severity: critical)/), 'checks.'],
])('a file that holds no contract is refused with the place: %#', async (text, reason) => {
  const file = join(tempFolder('contracts'), 'contract.yaml')
  writeFileSync(file, text)
  const { code, stderr } = await diff('orders', '--against', file)
  expect(code).toBe(2)
  expect(stderr).toContain(`${file} holds no exported contract (${reason}`)
  expect(stderr).toContain('make one with: daybook contract export')
})
