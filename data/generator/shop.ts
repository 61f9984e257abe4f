import { Catalogue } from './catalogue.ts'
import { Customers } from './customers.ts'
import { drawNames } from './names.ts'
import type { ShopOptions } from './options.ts'
import { OrderSlots } from './order-slots.ts'
import { Rhythm } from './rhythm.ts'

/** One sample shop: a pure function of its options, on any day. */
export interface Shop {
  readonly options: ShopOptions
  readonly rhythm: Rhythm
  readonly catalogue: Catalogue
  readonly customers: Customers
  readonly slots: OrderSlots
}

export function openShop(options: ShopOptions): Shop {
  const names = drawNames(options.seed)
  const rhythm = new Rhythm(options)
  return {
    options,
    rhythm,
    catalogue: new Catalogue(options, names),
    customers: new Customers(options, names),
    slots: new OrderSlots(options, rhythm),
  }
}
