import type { Client } from '@temporalio/client'
import { ecommerceDaily } from '../../workflows/ecommerce-daily.ts'
import { compareMs } from '../compare.ts'
import type { Row } from '../report.ts'
import { row } from '../report.ts'
import { chainLength, fanOutWidth } from './dags.ts'
import { datesFrom, execute } from './start.ts'

type Took = (side: 'bare' | 'daybook' | 'unaudited') => number

/** One run after the other: by hand, with Daybook, and with Daybook but without its audit rows. */
async function compareRuns(
  client: Client,
  shape: 'chain' | 'fan_out' | 'daily',
  dagId: string,
): Promise<Took> {
  let number = 0
  const run = (type: string, idOf: (date: string) => string) => async () => {
    const [date = ''] = datesFrom((number += 1))
    await execute(client, type, idOf(date), { date })
  }
  return compareMs(shape, {
    bare: run(`bare_${shape}`, (date) => `bare_${shape}-${date}`),
    daybook: run(dagId, (date) => `${dagId}/${date}`),
    unaudited: run(`unaudited_${shape}`, (date) => `${dagId}/${date}`),
  })
}

const withoutAudit = 'without audit rows'

export async function measureChain(client: Client): Promise<Row[]> {
  const took = await compareRuns(client, 'chain', 'bench_chain')
  const perTask = (ms: number) => ms / chainLength
  const name = `chain of ${chainLength}`
  const unit = 'ms a task'
  return [
    row({
      metric: `${name}: Daybook / Temporal`,
      value: took('daybook') / took('bare'),
      unit: 'times',
      goal: 1.15,
    }),
    row({ metric: `${name}: Daybook`, value: perTask(took('daybook')), unit, goal: 10 }),
    row({ metric: `${name}: Daybook ${withoutAudit}`, value: perTask(took('unaudited')), unit }),
    row({ metric: `${name}: Temporal`, value: perTask(took('bare')), unit }),
  ]
}

export async function measureFanOut(client: Client): Promise<Row[]> {
  const took = await compareRuns(client, 'fan_out', 'bench_fan_out')
  const perSecond = (ms: number) => (fanOutWidth / ms) * 1_000
  const name = `fan-out of ${fanOutWidth}`
  const higher = { unit: 'items/s', better: 'higher' } as const
  return [
    row({ metric: `${name}: Daybook`, value: perSecond(took('daybook')), ...higher, goal: 600 }),
    row({
      metric: `${name}: Daybook ${withoutAudit}`,
      value: perSecond(took('unaudited')),
      ...higher,
    }),
    row({ metric: `${name}: Temporal`, value: perSecond(took('bare')), ...higher }),
    row({
      metric: `${name}: Daybook / Temporal`,
      value: took('daybook') / took('bare'),
      unit: 'times',
    }),
  ]
}

export async function measureDaily(client: Client): Promise<Row[]> {
  const took = await compareRuns(client, 'daily', ecommerceDaily.id)
  const name = `daily DAG of ${ecommerceDaily.graph.tasks.length}`
  return [
    row({ metric: `${name}: Daybook`, value: took('daybook'), unit: 'ms a run' }),
    row({ metric: `${name}: Daybook ${withoutAudit}`, value: took('unaudited'), unit: 'ms a run' }),
    row({ metric: `${name}: Temporal`, value: took('bare'), unit: 'ms a run' }),
    row({
      metric: `${name}: Daybook / Temporal`,
      value: took('daybook') / took('bare'),
      unit: 'times',
    }),
  ]
}
