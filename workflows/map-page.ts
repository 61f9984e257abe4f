import { createLimits } from '../dag/run-loop/limits.ts'
import { createLocalQueue } from '../dag/run-loop/local-queue.ts'
import type { Page, PageResult } from '../dag/run-loop/map-items.ts'
import { mapItems } from '../dag/run-loop/map-items.ts'
import { tellFirstEnds } from '../dag/run-loop/page-progress.ts'
import { createSlots } from '../dag/run-loop/slots.ts'

/** Some of the instances of a mapped task, in a history of their own. */
export async function daybook_map_page(page: Page): Promise<PageResult> {
  const { date = '' } = page
  const slots = createSlots(date, createLocalQueue())
  const report = () => undefined
  const limits = createLimits({ ...{ dagId: '', date, hasPast: false }, slots, report })
  return mapItems(page, { limits, onEnd: tellFirstEnds(page) })
}
