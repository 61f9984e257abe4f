import { dayOf, mondayOf, padded } from './calendar.ts'
import { priceText } from './money.ts'
import type { NamePool } from './names.ts'
import type { ShopOptions } from './options.ts'
import { asShare, itemAt, mix, Random, stream } from './random.ts'

/** A product as one vendor sells it, at the price of one day. */
export interface Offer {
  readonly productId: string
  readonly vendorId: string
  readonly name: string
  readonly category: string
  readonly priceThousandths: number
  readonly priceText: string
  /** Day from which name and price hold. */
  readonly updatedOn: number
}

export interface Shelf {
  /** By popularity, the best seller first; a product has an entry for each of its vendors. */
  readonly byRank: readonly (readonly Offer[])[]
  /** Products of the last two weeks, which the shop pushes. */
  readonly recent: readonly (readonly Offer[])[]
}

interface Category {
  readonly name: string
  readonly vendorId: string
  readonly nouns: readonly string[]
}

const houseVendor = 'SHOPNOW'
const categories: readonly Category[] = [
  { name: 'Electronics', vendorId: 'V001', nouns: ['Headphones', 'Keyboard', 'Charger', 'Lamp'] },
  { name: 'Fashion', vendorId: 'V002', nouns: ['Jacket', 'Scarf', 'Sneakers', 'Shirt'] },
  { name: 'Home & Garden', vendorId: 'V003', nouns: ['Chair', 'Vase', 'Planter', 'Blanket'] },
  { name: 'Toys', vendorId: houseVendor, nouns: ['Puzzle', 'Kite', 'Robot', 'Blocks'] },
  { name: 'Kitchen', vendorId: houseVendor, nouns: ['Pan', 'Kettle', 'Knife', 'Bowl'] },
  { name: 'Beauty', vendorId: houseVendor, nouns: ['Soap', 'Brush', 'Mirror', 'Towel'] },
]

const shelfSize = 300
const daysBetweenLaunches = 4
const recentDays = 14
const secondVendorShare = 0.06
const weeklyPriceChangeShare = 0.06
const keptShelves = 12

/**
 * The assortment on any day, from seed and day alone. Every fourth day or so a product is launched
 * and the oldest leaves; prices change on Mondays at 00:00 UTC.
 */
export class Catalogue {
  private readonly seed: number
  private readonly openedOn: number
  private readonly names: NamePool
  private readonly rankOfSpot: readonly number[]
  private readonly shelves = new Map<number, Shelf>()

  constructor(options: ShopOptions, names: NamePool) {
    this.seed = options.seed
    this.openedOn = dayOf(options.epoch)
    this.names = names
    this.rankOfSpot = shuffledRanks(options.seed)
  }

  shelfOn(day: number): Shelf {
    let shelf = this.shelves.get(day)
    if (shelf === undefined) {
      shelf = this.stock(day)
      if (this.shelves.size >= keptShelves) this.shelves.clear()
      this.shelves.set(day, shelf)
    }
    return shelf
  }

  private stock(day: number): Shelf {
    const newest = this.newestOn(day)
    const byRank = Array<readonly Offer[]>(shelfSize)
    const recent: (readonly Offer[])[] = []
    for (let product = newest - shelfSize + 1; product <= newest; product++) {
      const offers = this.offersOf(product, day)
      // A launched product takes the spot, and so the popularity, of the one that leaves.
      byRank[itemAt(this.rankOfSpot, product % shelfSize)] = offers
      if (day - this.launchedOn(product) < recentDays) recent.push(offers)
    }
    return { byRank, recent }
  }

  private newestOn(day: number): number {
    const intervals = Math.floor(Math.max(0, day - this.openedOn) / daysBetweenLaunches)
    const candidate = shelfSize + intervals
    return this.launchedOn(candidate) <= day ? candidate : candidate - 1
  }

  private launchedOn(product: number): number {
    if (product < shelfSize) return this.openedOn - 28
    const jitter = mix(this.seed, stream.product, product, 1) % (daysBetweenLaunches - 1)
    return this.openedOn + (product - shelfSize) * daysBetweenLaunches + jitter
  }

  private offersOf(product: number, day: number): readonly Offer[] {
    const category = itemAt(categories, mix(this.seed, stream.product, product, 2) % 6)
    const offer = this.offerOf(product, category, category.vendorId, day)
    const hasSecond = asShare(mix(this.seed, stream.product, product, 3)) < secondVendorShare
    if (!hasSecond) return [offer]
    const other = category.vendorId === houseVendor ? 'V001' : houseVendor
    return [offer, this.offerOf(product, category, other, day)]
  }

  private offerOf(product: number, category: Category, vendorId: string, day: number): Offer {
    const random = new Random().seeded(mix(this.seed, stream.product, product, 4))
    const adjective = random.pick(this.names.adjectives)
    const name = `${adjective} ${random.pick(this.names.materials)} ${random.pick(category.nouns)}`
    const priceKey = product * 2 + (vendorId === category.vendorId ? 0 : 1)
    const price = this.priceOf(priceKey, this.launchedOn(product), day)
    return {
      productId: `P${padded(product + 1, 4)}`,
      vendorId,
      name,
      category: category.name,
      priceThousandths: price.thousandths,
      priceText: priceText(price.thousandths),
      updatedOn: price.since,
    }
  }

  private priceOf(key: number, launchedOn: number, day: number) {
    const random = new Random().seeded(mix(this.seed, stream.price, key, -1))
    const euros = Math.max(0.5, Math.exp(3 + 0.9 * random.normal()))
    // Every seventh price or so is per unit of a pack, with three decimals.
    const step = random.share() < 0.15 ? 1 : 10
    for (let monday = mondayOf(day); monday > launchedOn; monday -= 7) {
      const hash = mix(this.seed, stream.price, key, monday)
      if (asShare(hash) >= weeklyPriceChangeShare) continue
      const factor = 0.8 + (0.4 * (hash % 1000)) / 1000
      return { thousandths: rounded(euros * factor, step), since: monday }
    }
    return { thousandths: rounded(euros, step), since: launchedOn }
  }
}

function rounded(euros: number, step: number): number {
  return Math.round((euros * 1000) / step) * step
}

function shuffledRanks(seed: number): number[] {
  const random = new Random().seeded(mix(seed, stream.shelf, 0, 0))
  const ranks = Array.from({ length: shelfSize }, (_, rank) => rank)
  for (let last = shelfSize - 1; last > 0; last--) {
    const other = random.below(last + 1)
    const kept = itemAt(ranks, last)
    ranks[last] = itemAt(ranks, other)
    ranks[other] = kept
  }
  return ranks
}
