import { compactDate, padded } from './calendar.ts'
import { drawProduct } from './orders.ts'
import type { EventType } from './manifest.ts'
import { mix, Random, stream } from './random.ts'
import { dayAnomalyKinds, secondAt } from './rhythm.ts'
import type { Shop } from './shop.ts'

export interface ShopEvent {
  readonly type: EventType
  readonly productId: string
  readonly second: number
}

export interface Session {
  readonly id: string
  readonly userId: string
  readonly businessDay: number
  readonly userAgent: string
  readonly events: ShopEvent[]
}

const anonymousShare = 0.2
const lateShare = 0.003
const longestDelayDays = 3
const lastSecond = 86_399
/** Some contain what CSV must quote. */
const userAgents = [
  'Chrome/131 Windows',
  'Chrome/131 Android',
  'Safari/18 iPhone',
  'Firefox/133 Linux',
  '"Mozilla/5.0 (KHTML, like Gecko)"',
  '"ShopApp/7 ""lite"""',
]

/** Visits of one day, one after the other; each is made from seed, day and number alone. */
export class Sessions {
  private readonly shop: Shop
  private readonly day: number
  private readonly checkoutShare: number
  private readonly random = new Random()
  private made = 0

  constructor(shop: Shop, day: number) {
    this.shop = shop
    this.day = day
    const isCollapsed = shop.rhythm.anomalyOn(day) === 'conversion_collapse'
    this.checkoutShare = 0.55 * (isCollapsed ? dayAnomalyKinds.conversion_collapse.factor : 1)
  }

  /** @param through share of the day's events already written: when the visit begins. */
  next(through: number): Session {
    const { random, shop } = this
    this.made++
    random.seeded(mix(shop.options.seed, stream.session, this.day, this.made))
    const businessDay = this.drawBusinessDay()
    const customer = shop.customers.draw(businessDay, random)
    return {
      id: `S${compactDate(this.day)}-${padded(this.made, 7)}`,
      userId: random.share() < anonymousShare ? '' : shop.customers.idOf(customer),
      businessDay,
      userAgent: random.pick(userAgents),
      events: this.drawEvents(businessDay, secondAt(through)),
    }
  }

  private drawBusinessDay(): number {
    const { random, shop } = this
    if (random.share() >= lateShare) return this.day
    const day = this.day - random.between(1, longestDelayDays)
    return shop.rhythm.isOpen(day) ? day : this.day
  }

  private drawEvents(businessDay: number, start: number): ShopEvent[] {
    const { random } = this
    const shelf = this.shop.catalogue.shelfOn(businessDay)
    const events: ShopEvent[] = []
    let second = start - 1
    let inCart = ''
    // Every event has a second of its own, so that events without an id differ; the visit ends at
    // midnight at the latest.
    const add = (type: EventType, productId: string) => {
      second += 1 + random.below(70)
      if (second <= lastSecond) events.push({ type, productId, second })
    }
    add('page_view', '')
    for (let views = random.below(5); views > 0; views--) {
      if (random.share() < 0.3) add('page_view', '')
      const productId = random.pick(drawProduct(shelf, random)).productId
      add('view_product', productId)
      if (random.share() < 0.22) add('add_to_cart', (inCart = productId))
    }
    if (inCart !== '' && random.share() < this.checkoutShare) {
      add('checkout', inCart)
      if (random.share() < 0.7) add('purchase', inCart)
    }
    // A start in the last minute may have left no second for the first event.
    if (events.length === 0) events.push({ type: 'page_view', productId: '', second: lastSecond })
    return events
  }
}
