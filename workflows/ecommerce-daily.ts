import type { Activities } from '../activities/index.ts'
import { activityRefs, defineDag } from '../dag/define-dag.ts'

const act = activityRefs<Activities>()

const shopId = 'main'

/** How long a held day waits for a person: then half an hour is left to book it by ten. */
const decision = { waitAtMost: '7.5 hours', onTimeout: 'fail' } as const

/** The task in which that person decides. */
const decider: string = 'approve_held_day'

export const ecommerceDaily = defineDag(
  {
    id: 'ecommerce_daily',
    description: "Books the sample shop's day: orders, events and, on Mondays, the catalogue",
    schedule: { cron: '0 2 * * *', timeZone: 'UTC' },
    // No startDate: what a shop had before its first scheduled day is booked by whoever wants it.
    catchup: true,
    maxActiveRuns: 1,
    retries: 2,
    retryDelay: '5 minutes',
    onFailure: act.notifyFailure,
    // All figures are ready by ten.
    deadline: { after: '8 hours', warnBefore: '1 hour', notify: act.notifyDeadline },
  },
  ({ task, branch, approval, date }) => {
    const day = { date, shopId, orders: 'orders', events: 'events', products: 'products' }

    const productsDue = branch('products_due', act.chooseProducts, { date }, ['extract_products'])
    const rawProducts = task(
      'extract_products',
      act.extractSource,
      { date, source: 'products' },
      { after: [productsDue] },
    )
    const products = task(
      'transform_products_to_staging',
      act.transformToStaging,
      { date, source: 'products' },
      { after: [rawProducts] },
    )
    const rawOrders = task('extract_orders', act.extractSource, { date, source: 'orders' })
    const orders = task(
      'transform_orders_to_staging',
      act.transformToStaging,
      { date, source: 'orders' },
      { after: [rawOrders] },
    )
    const rawEvents = task('extract_events', act.extractSource, { date, source: 'events' })
    const events = task(
      'transform_events_to_staging',
      act.transformToStaging,
      { date, source: 'events' },
      { after: [rawEvents] },
    )

    const checks = task(
      'dq_checks',
      act.checkQuality,
      {
        date,
        dagId: 'ecommerce_daily',
        approval: decider,
        sources: {
          orders: 'staging.orders_clean',
          events: 'staging.events_clean',
          products: 'staging.products_clean',
        },
      },
      // A day without a catalogue is a day like any other.
      { after: [orders, events, products], rule: 'none_failed' },
    )

    const isHeld = branch(
      'is_held',
      act.holdDay,
      { date, shopId, held: checks.output.held, approval: decider, ...decision },
      [decider],
    )
    const approved = approval(decider, {
      after: [isHeld],
      ...decision,
      failOnReject: true,
    })

    // A day that nobody has to approve is a day like any other.
    const loading = { after: [approved], rule: 'none_failed' } as const
    const dimDate = task('load_dim_date', act.loadDimDate, day, loading)
    const dimUser = task('load_dim_user', act.loadDimUser, day, loading)
    const dimProduct = task('load_dim_product', act.loadDimProduct, day, loading)
    const dims = [dimDate, dimUser, dimProduct]
    const factOrders = task('load_fact_orders', act.loadFactOrders, day, { after: dims })
    const factEvents = task('load_fact_events', act.loadFactEvents, day, { after: dims })
    const metrics = task(
      'compute_daily_metrics',
      act.computeDailyMetrics,
      { date, shopId },
      { after: [factOrders, factEvents] },
    )
    const scores = task(
      'score_anomalies',
      act.scoreAnomalies,
      { date, shopId },
      { after: [metrics] },
    )
    const published = task('publish', act.publish, day, { after: [scores] })
    task('notify', act.notify, { date, shopId }, { after: [published] })
  },
)
