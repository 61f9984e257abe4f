import type { Contract } from '../domain/contracts/contract.ts'
import { UsageError } from './exit-codes.ts'

/**
 * The contract of that source, or all of them.
 * @throws UsageError naming the sources that there are
 */
export function contractsNamed(
  contracts: readonly Contract[],
  source: string | undefined,
): [Contract, ...Contract[]] {
  const [first, ...others] = contracts.filter(
    (contract) => source === undefined || contract.source === source,
  )
  if (first) return [first, ...others]
  const known = contracts.map((contract) => contract.source).join(', ')
  throw new UsageError(`error: no source ${source}; there are ${known}`)
}
