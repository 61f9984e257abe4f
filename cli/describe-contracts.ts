import type { Contract } from '../domain/contracts/contract.ts'
import { describeContract, type ContractData, type Sla } from '../domain/contracts/contract-data.ts'
import { publishedShops } from '../schedules/published-shops.ts'
import { findDag } from '../schedules/schedules.ts'

/** A contract as data, with the deadline of the DAG that publishes its shop. */
export function describeWithSla(contract: Contract): ContractData {
  return describeContract(contract, slaOf(contract))
}

function slaOf({ shopId }: Contract): Sla | null {
  const dag = findDag(publishedShops().find((shop) => shop.shopId === shopId)?.dagId ?? '')
  if (!dag?.schedule || dag.graph.deadline?.from?.reference !== 'due') return null
  const { cron, timeZone } = dag.schedule
  const latencySeconds = dag.graph.deadline.afterMs / 1000
  return { schedule: `CRON_TZ=${timeZone} ${cron}`, latencySeconds }
}
