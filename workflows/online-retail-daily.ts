import type { Activities } from '../activities/index.ts'
import { activityRefs, defineDag } from '../dag/define-dag.ts'

const act = activityRefs<Activities>()

const shopId = 'online_retail'
const source = 'online_retail'

/** How long a held day waits for a person; then it is not published. */
const decision = { waitAtMost: '7.5 hours', onTimeout: 'fail' } as const

/** The task in which that person decides. */
const decider: string = 'approve_held_day'

export const onlineRetailDaily = defineDag(
  {
    id: 'online_retail_daily',
    description: 'Books a trading day of the Online Retail data set (a UK shop, 2010 and 2011)',
    // Its days are over: they run when somebody asks for them.
    schedule: null,
    startDate: '2010-12-01',
    catchup: false,
    maxActiveRuns: 1,
    retries: 2,
    retryDelay: '5 minutes',
    onFailure: act.notifyFailure,
  },
  ({ task, branch, approval, date }) => {
    const day = { date, shopId, orders: source }
    const raw = task('extract_orders', act.extractSource, { date, source })
    const lines = task(
      'transform_orders_to_staging',
      act.transformToStaging,
      { date, source },
      { after: [raw] },
    )
    const checks = task(
      'dq_checks',
      act.checkQuality,
      {
        date,
        dagId: 'online_retail_daily',
        approval: decider,
        sources: { orders: 'staging.online_retail_clean' },
      },
      { after: [lines] },
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
    const factOrders = task('load_fact_orders', act.loadFactOrders, day, {
      after: [dimDate, dimUser, dimProduct],
    })
    const metrics = task(
      'compute_daily_metrics',
      act.computeDailyMetrics,
      { date, shopId },
      { after: [factOrders] },
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
