import fc from 'fast-check'
import { eventsHeader } from '../support/sample-day.ts'

/** Days of a small shop: neighbours and days a week apart, on both sides of a new year. */
const days = ['2025-12-22', '2025-12-29', '2026-01-05', '2026-01-06', '2026-01-07'] as const
/** Catalogues lie in the landing zone by their date: a day takes those of the week that ends with it. */
const catalogueDays = [...days, '2026-01-03'] as const
const unlistedDay = '2025-12-20'

export interface Delivery {
  readonly does: 'deliver'
  /** Inside the landing zone. */
  readonly path: string
  readonly content: string
}

/** `tasks`: every task of the day; `publish`: staging, then publishing builds it; `half`: stops before. */
export interface DayRun {
  readonly does: 'run'
  readonly date: string
  readonly how: 'tasks' | 'publish' | 'half'
}

/** What happened to a shop: in the end every day is run once more at least, on its final files. */
export interface History {
  readonly days: readonly string[]
  readonly steps: readonly (Delivery | DayRun)[]
  readonly lastRuns: readonly DayRun[]
}

const someOf = <T>(...values: readonly T[]) => fc.constantFrom(...values)
const id = (prefix: string, count: number) =>
  fc.integer({ min: 1, max: count }).map((number) => `${prefix}${number}`)

const instant = fc
  .record({ day: someOf(...days, unlistedDay), time: someOf('09:00:00', '10:00:00', '23:30:00') })
  .map(({ day, time }) => `${day}T${time}Z`)

const details = someOf<Record<string, string>>(
  {},
  {},
  { customer_name: 'Ada', customer_country: 'FR' },
  { customer_name: 'Ada', customer_country: 'DE' },
  { customer_name: 'Ada King', customer_country: 'FR', customer_email: 'ada@example.org' },
)
const vendor = someOf<Record<string, string>>({}, {}, { vendor_id: 'V1' }, { vendor_id: 'V2' })
const quantity = someOf(1, 1, 2, 2, 3, 90)
const price = someOf(5, 7.5, 12.345)
const line = fc.record({ product_id: id('P', 3), quantity, price })

const goodOrder = fc
  .record({
    order_id: id('O', 9),
    user_id: id('U', 3),
    timestamp: instant,
    status: someOf('paid', 'paid', 'pending', 'refunded', 'cancelled'),
    line,
    items: fc.option(fc.array(line, { minLength: 1, maxLength: 2 }), { freq: 4 }),
    details,
    vendor,
    currency: someOf<Record<string, string>>({}, {}, {}, { currency: 'USD' }),
  })
  .map(({ line: first, items, details: customer, vendor: seller, currency, ...order }) => ({
    ...{ ...order, ...customer, ...seller, ...currency },
    ...(items === null ? first : { items }),
  }))
const badOrder = fc
  .record({ order: goodOrder, wrong: someOf({ status: 'lost' }, { timestamp: 'soon' }) })
  .map(({ order, wrong }) => ({ ...order, ...wrong }))
const anyOrder = fc.oneof({ weight: 7, arbitrary: goodOrder }, { weight: 1, arbitrary: badOrder })

const anyEvent = fc
  .record({
    event: someOf('', 'E1', 'E2', 'E3', 'E4'),
    user: someOf('', 'U1', 'U2', 'U4'),
    product: id('P', 4),
    type: someOf('page_view', 'view_product', 'add_to_cart', 'purchase', 'purchase', 'stare'),
    at: instant,
    session: someOf('', 'S1', 'S2'),
    url: someOf('/', '/other'),
  })
  .map((row) => Object.values(row))
  .map((row) => [...row, 'browser'].join(','))

const anyListing = fc
  .record({
    product_id: id('P', 3),
    name: someOf('Lamp', 'Desk lamp'),
    price: someOf(5, 7, 0),
    category: someOf<Record<string, string>>({}, { category: 'Home' }, { category: 'Office' }),
    vendor,
    since: fc.option(instant),
  })
  .map(({ category, vendor: seller, since, ...listing }) => ({
    ...{ ...listing, ...category, ...seller },
    ...(since === null ? {} : { updated_at: since }),
  }))

const contents = {
  orders: fc.array(anyOrder, { maxLength: 7 }).map((orders) => JSON.stringify(orders)),
  events: fc
    .array(anyEvent, { maxLength: 5 })
    .map((rows) => [eventsHeader, ...rows, ''].join('\n')),
  products: fc.array(anyListing, { maxLength: 4 }).map((rows) => JSON.stringify(rows)),
}
/** The files that a history delivers come from few contents, so that many come again elsewhere. */
const pools = fc.record({
  orders: fc.array(contents.orders, { minLength: 2, maxLength: 5 }),
  events: fc.array(contents.events, { minLength: 2, maxLength: 4 }),
  products: fc.array(contents.products, { minLength: 1, maxLength: 3 }),
})

const paths = {
  orders: (date: string, name: string) => `orders/${date}/${name}.json`,
  events: (date: string, name: string) => `events/${date}/${name}.csv`,
  products: (date: string) => `products/products_${date}.json`,
}
const draw = fc.record({ content: fc.nat({ max: 59 }), name: someOf('a', 'a', 'b', 'c') })
const delivery = fc.oneof(
  fc.record({ kind: fc.constant('orders' as const), date: someOf(...days), draw }),
  fc.record({ kind: fc.constant('events' as const), date: someOf(...days), draw }),
  fc.record({ kind: fc.constant('products' as const), date: someOf(...catalogueDays), draw }),
)
const how = someOf<DayRun['how']>('publish', 'publish', 'publish', 'tasks', 'half')
const run = fc.record({ does: fc.constant('run' as const), date: someOf(...days), how })
const lastRun = someOf<DayRun['how']>('publish', 'publish', 'tasks')

export const anyHistory: fc.Arbitrary<History> = fc
  .record({
    pools,
    days: fc.subarray([...days], { minLength: 3 }),
    first: fc.array(draw, { minLength: 2 * days.length, maxLength: 2 * days.length }),
    steps: fc.array(fc.oneof({ weight: 3, arbitrary: delivery }, { weight: 2, arbitrary: run }), {
      minLength: 2,
      maxLength: 10,
    }),
    lastDays: fc.shuffledSubarray([...days, ...days], { minLength: 2 * days.length }),
    repeats: fc.nat({ max: 2 }),
    lastHow: fc.array(lastRun, { minLength: 2 * days.length, maxLength: 2 * days.length }),
  })
  .map((drawn) => {
    const has = ({ date }: { date: string }) =>
      date === '2026-01-03' || drawn.days.some((day) => day === date)
    const pick = (kind: keyof typeof paths, number: number) => {
      const pool = drawn.pools[kind]
      return pool[number % pool.length] ?? ''
    }
    const deliver = (kind: keyof typeof paths, date: string, name: string, number: number) =>
      ({ does: 'deliver', path: paths[kind](date, name), content: pick(kind, number) }) as const
    const first = drawn.days.flatMap((date, index) => [
      deliver('orders', date, 'a', drawn.first[2 * index]?.content ?? 0),
      deliver('events', date, 'a', drawn.first[2 * index + 1]?.content ?? 0),
    ])
    const steps = drawn.steps
      .filter(has)
      .map((step) =>
        'does' in step ? step : deliver(step.kind, step.date, step.draw.name, step.draw.content),
      )
    return {
      days: drawn.days,
      steps: [...first, ...steps],
      lastRuns: lastRunsOf(drawn.lastDays, drawn.days, drawn.repeats, drawn.lastHow),
    }
  })

/** Each day once, in the order drawn, and as many again as `repeats` says. */
function lastRunsOf(
  drawn: readonly string[],
  among: readonly string[],
  repeats: number,
  hows: readonly DayRun['how'][],
): DayRun[] {
  const order = drawn.filter((date) => among.includes(date))
  const firsts = order.filter((date, index) => order.indexOf(date) === index)
  const again = order.filter((date, index) => order.indexOf(date) !== index).slice(0, repeats)
  return [...firsts, ...again].map((date, index) => ({
    ...{ does: 'run', date },
    how: hows[index] ?? 'publish',
  }))
}

/** The history as a person would tell it, one line a step. */
export function inWords({ steps, lastRuns }: History): string {
  const tell = (step: Delivery | DayRun) =>
    step.does === 'run'
      ? `run ${step.date} (${step.how})`
      : `deliver ${step.path}:\n    ${step.content.trim().replaceAll('\n', '\n    ')}`
  return [...steps.map(tell), 'finally:', ...lastRuns.map(tell)].join('\n')
}
