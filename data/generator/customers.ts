import { dayOf, padded } from './calendar.ts'
import type { NamePool } from './names.ts'
import type { ShopOptions } from './options.ts'
import { asShare, itemAt, mix, stream } from './random.ts'
import type { Random } from './random.ts'

interface Country {
  readonly code: string
  readonly region: string
  readonly weight: number
}

const countries: readonly Country[] = [
  { code: 'DE', region: 'DACH', weight: 28 },
  { code: 'AT', region: 'DACH', weight: 7 },
  { code: 'CH', region: 'DACH', weight: 5 },
  { code: 'FR', region: 'France', weight: 18 },
  { code: 'GB', region: 'UK & Ireland', weight: 14 },
  { code: 'IE', region: 'UK & Ireland', weight: 3 },
  { code: 'NL', region: 'Benelux', weight: 8 },
  { code: 'BE', region: 'Benelux', weight: 5 },
  { code: 'ES', region: 'Iberia', weight: 6 },
  { code: 'SE', region: 'Nordics', weight: 4 },
  { code: 'DK', region: 'Nordics', weight: 2 },
]
const countryBag = countries.flatMap((country) => Array<Country>(country.weight).fill(country))

const newCustomerShare = 0.08
const wholesaleShare = 0.012
const moverShare = 0.12
/** Within how many days of the shop's opening a mover's new address takes effect. */
const moveWindowDays = 730
const loyalShare = 0.5
/** Above 1 the oldest customers order most; at 1.6 the top one makes about 4 of 1,000 orders. */
const loyaltyExponent = 1.6
/** Customers who are not loyal drift away within this time, most of them soon. */
const attentionDays = 60

/** Customers are numbered as they join; who they are follows from seed and number alone. */
export class Customers {
  private readonly seed: number
  private readonly openedOn: number
  private readonly atOpening: number
  private readonly joinDaily: number
  private readonly names: NamePool

  constructor(options: ShopOptions, names: NamePool) {
    this.seed = options.seed
    this.openedOn = dayOf(options.epoch)
    this.atOpening = Math.max(200, options.orders * 2)
    this.joinDaily = Math.max(1, Math.round(options.orders * 0.05))
    this.names = names
  }

  private countOn(day: number): number {
    return this.atOpening + Math.max(0, day - this.openedOn) * this.joinDaily
  }

  draw(day: number, random: Random): number {
    const known = this.countOn(day)
    if (random.share() < newCustomerShare) return known + random.below(this.joinDaily)
    if (random.share() < loyalShare) {
      return Math.floor(this.atOpening * random.share() ** loyaltyExponent)
    }
    const attentive = Math.min(known, this.joinDaily * attentionDays)
    return known - 1 - Math.floor(attentive * random.share() ** 2)
  }

  idOf(customer: number): string {
    return `U${padded(customer + 1, 7)}`
  }

  isWholesale(customer: number): boolean {
    return asShare(mix(this.seed, stream.customer, customer, 1)) < wholesaleShare
  }

  regionOf(customer: number): string {
    return this.countryOf(customer).region
  }

  /** The customer's fields of an order as JSON members; a mover has another address later on. */
  profileJson(customer: number, day: number): string {
    const hash = mix(this.seed, stream.customer, customer, 2)
    const first = itemAt(this.names.first, hash % this.names.first.length)
    const last = itemAt(this.names.last, (hash >>> 12) % this.names.last.length)
    const host = this.hasMoved(customer, day) ? 'mail.example.net' : 'example.com'
    return (
      `"customer_name":"${first.text} ${last.text}",` +
      `"customer_email":"${first.slug}.${last.slug}${customer + 1}@${host}",` +
      `"customer_country":"${this.countryOf(customer).code}"`
    )
  }

  private countryOf(customer: number): Country {
    return itemAt(countryBag, mix(this.seed, stream.customer, customer, 3) % countryBag.length)
  }

  private hasMoved(customer: number, day: number): boolean {
    const hash = mix(this.seed, stream.customer, customer, 4)
    return asShare(hash) < moverShare && day >= this.openedOn + (hash % moveWindowDays)
  }
}
