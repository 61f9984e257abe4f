import type { Page, PageResult } from '../dag/run-loop/map-items.ts'
import { mapItems } from '../dag/run-loop/map-items.ts'

/** Some of the instances of a mapped task, in a history of their own. */
export async function daybook_map_page(page: Page): Promise<PageResult> {
  return mapItems(page)
}
