import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bookFirstDays } from '../../cli/first-days.ts'
import type { Daybook } from '../../cli/start-daybook.ts'
import { addDays, lastCompleteDate } from '../../dag/calendar.ts'
import { generateShop } from '../../data/generator/generate.ts'
import { loadConfig } from '../../platform/config.ts'
import { testDatabase } from '../support/servers.ts'
import { tempFolder } from '../support/temp-folder.ts'

test.each([
  [1, '1 delivered day is not booked'],
  [2, '2 delivered days are not booked'],
])('of somebody’s own files it is said how many days are not booked: %d', async (days, words) => {
  const database = await testDatabase()
  try {
    const landingDir = tempFolder('landing')
    const yesterday = lastCompleteDate(Date.now(), 'UTC')
    const from = addDays(yesterday, 1 - days)
    await generateShop({ from, days, orders: 100, events: 500, out: landingDir })
    await rm(join(landingDir, 'manifest.json'))
    const said: string[] = []
    const config = loadConfig({ LANDING_DIR: landingDir })
    await bookFirstDays({ config, database: database.db } as Daybook, (line) => said.push(line))
    expect(said).toEqual([`  ${words}: daybook backfill ${from} ${yesterday}`])
  } finally {
    await database.drop()
  }
})
