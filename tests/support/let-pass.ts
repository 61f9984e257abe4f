import { ApplicationFailure } from '@temporalio/activity'
import { createQualityActivities } from '../../activities/check-quality.ts'
import { notePart, partNamed, stateOfPart } from '../../activities/up-to-date.ts'
import { failureTypes } from '../../domain/failures.ts'
import { inTransaction, type Database } from '../../platform/database.ts'

const sources = {
  orders: 'staging.orders_clean',
  events: 'staging.events_clean',
  products: 'staging.products_clean',
}

/** The checks of a day of the sample shop, after which the day goes on whatever they found. */
export function judgeAndLetPass(database: Database) {
  const { checkQuality } = createQualityActivities({ database })
  return async ({ date }: { date: string }): Promise<void> => {
    try {
      await checkQuality({ date, dagId: 'ecommerce_daily', sources })
    } catch (error) {
      if (!isOfChecks(error)) throw error
      await inTransaction(database, async (transaction) => {
        const day = { shopId: 'main', date }
        const part = partNamed(day.shopId, 'checks')
        const { madeOf } = await stateOfPart(transaction, day, part)
        await notePart(transaction, day, part, madeOf, {})
      })
    }
  }
}

function isOfChecks(error: unknown): boolean {
  return error instanceof ApplicationFailure && error.type === failureTypes.checksFailed
}
