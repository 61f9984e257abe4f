import type { Contract } from './contract.ts'
import { onlineRetailContract } from './online-retail.ts'
import { sampleShopContracts } from './sample-shop.ts'

/** Every contract; to add a source, list its contract here and its files in platform/sources.ts. */
export function allContracts(shopTimeZone = 'UTC'): Contract[] {
  return [...Object.values(sampleShopContracts(shopTimeZone)), onlineRetailContract()]
}

/** The contracts of a shop's sources. */
export function contractsOfShop(shopId: string): Contract[] {
  return allContracts().filter((contract) => contract.shopId === shopId)
}
