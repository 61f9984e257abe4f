import { cpSync, mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { planDays } from '../../cli/plan-days.ts'
import { loadConfig } from '../../platform/config.ts'
import { sampleDays } from '../support/booked-days.ts'
import { testDatabase } from '../support/servers.ts'
import { tempFolder } from '../support/temp-folder.ts'

const [saturday, monday, tuesday] = ['2025-12-13', '2025-12-15', '2025-12-16']
const [thursday, nextSaturday] = ['2025-12-18', '2025-12-20']

interface Shop {
  run(date: string): Promise<string[]>
  /** Puts days without their catalogues into the landing zone, which is empty at first. */
  deliver(...dates: string[]): void
  /** Puts the catalogue of Monday into the landing zone, dated so. */
  deliverCatalogue(date: string): void
  editOrders(date: string): void
}

interface Handover {
  readonly what: string
  readonly begin: (shop: Shop) => Promise<void>
  readonly planned: readonly string[]
  readonly extractsProducts: readonly string[]
}

const handovers: Handover[] = [
  {
    what: 'a catalogue and its Monday are delivered after later days were run',
    async begin({ deliver, deliverCatalogue, run }) {
      deliver(tuesday, nextSaturday)
      for (const date of [tuesday, nextSaturday]) await run(date)
      deliver(saturday, monday, thursday)
      deliverCatalogue(monday)
    },
    planned: [saturday, monday, thursday],
    extractsProducts: [monday],
  },
  {
    what: 'a day that has changed loses its catalogue',
    async begin({ deliver, deliverCatalogue, editOrders, run }) {
      deliver(thursday)
      deliverCatalogue(monday)
      await run(thursday)
      editOrders(thursday)
      deliver(monday)
    },
    planned: [monday, thursday],
    extractsProducts: [monday],
  },
  {
    what: 'a day loses one of its two catalogues',
    async begin({ deliver, deliverCatalogue, run }) {
      deliver(thursday)
      deliverCatalogue(monday)
      deliverCatalogue(tuesday)
      await run(thursday)
      deliver(monday)
    },
    planned: [monday, thursday],
    extractsProducts: [monday],
  },
  {
    what: 'no catalogue comes on a Monday',
    async begin({ deliver, run }) {
      deliver(saturday)
      await run(saturday)
      deliver(monday)
    },
    planned: [monday],
    extractsProducts: [],
  },
]

async function openShop() {
  const database = await testDatabase()
  const days = await sampleDays(database.db, { from: saturday, days: 8 })
  const shelf = tempFolder('shelf')
  renameSync(days.landingDir, shelf)
  const deliverAs = (path: string, name: string) => {
    const to = join(days.landingDir, name)
    mkdirSync(dirname(to), { recursive: true })
    cpSync(join(shelf, path), to, { recursive: true })
  }
  const shop: Shop = {
    run: days.run,
    deliver(...dates) {
      for (const date of dates) {
        for (const source of ['orders', 'events']) {
          deliverAs(`${source}/${date}`, `${source}/${date}`)
        }
      }
    },
    deliverCatalogue(date) {
      deliverAs(`products/products_${monday}.json`, `products/products_${date}.json`)
    },
    editOrders(date) {
      days.edit(`orders/${date}/orders.json`, (text) => text.replace('paid', 'refunded'))
    },
  }
  const config = loadConfig(days.settings)
  const question = { dagId: 'ecommerce_daily', from: undefined, to: undefined }
  const plan = async () => (await planDays(database.db, config, question)).stale
  return { shop, plan, drop: database.drop }
}

/** Those that always look, and are planned only where they will find something, left out. */
function making(tasks: readonly string[]): string[] {
  return tasks.filter((task) => !/^(extract_.*|products_due|is_held|notify)$/.test(task))
}

test.each(handovers)(
  'a plan says what its days do when they are run in their order: $what',
  async ({ begin, planned, extractsProducts }) => {
    const { shop, plan, drop } = await openShop()
    try {
      await begin(shop)
      const days = (await plan()).map(({ date, tasks }) => ({
        ...{ date, tasks: tasks.map(({ task }) => task) },
      }))
      expect(days.map(({ date }) => date)).toEqual(planned)
      const extracting = days.filter(({ tasks }) => tasks.includes('extract_products'))
      expect(extracting.map(({ date }) => date)).toEqual(extractsProducts)
      for (const { date, tasks } of days) {
        const worked = making(await shop.run(date))
        expect({ date, tasks: worked.toSorted() }).toEqual({
          ...{ date, tasks: making(tasks).toSorted() },
        })
      }
      expect(await plan()).toEqual([])
    } finally {
      await drop()
    }
  },
  60_000,
)
