import { expect, test } from 'vitest'
import { generatedDate, generateGoodDays, historyOf } from '../../data/mutants/good-day.ts'
import { writeMutants, type WrittenMutant } from '../../data/mutants/write-mutants.ts'
import type { Column, Contract } from '../../domain/contracts/contract.ts'
import { sampleShopContracts } from '../../domain/contracts/sample-shop.ts'
import {
  judgeMutant,
  mutationGoal,
  mutationScore,
  type JudgedMutant,
} from '../../domain/mutation-score.ts'
import type { Outcome } from '../../platform/judged-delivery.ts'
import type { Sources } from '../../platform/sources.ts'
import { judgeDeliveries, type JudgeOptions } from '../../worker/judge-deliveries.ts'
import { testDatabase } from '../support/servers.ts'
import { tempFolder } from '../support/temp-folder.ts'

const { orders, events, products } = sampleShopContracts('UTC')
const date = generatedDate

async function writeAll(seed: number, contracts: Contract[]) {
  const goodDir = tempFolder('good')
  await generateGoodDays(goodDir, seed)
  const out = tempFolder('mutants')
  return { goodDir, mutants: await writeMutants({ goodDir, date, contracts, seed, out }) }
}

interface JudgeInput extends JudgeOptions {
  goodDir: string
  mutants: WrittenMutant[]
  history: string[]
}

async function judge({ goodDir, mutants, history, ...options }: JudgeInput) {
  const database = await testDatabase()
  const goods = [products, orders, events].map(({ source }) => ({
    id: source,
    source,
    landingDir: goodDir,
  }))
  const job = {
    databaseUrl: database.url,
    timeZone: 'UTC',
    history: { landingDir: goodDir, dates: history },
    date,
    deliveries: [...goods, ...mutants],
  }
  const good = new Map<string, Outcome>()
  const judged: JudgedMutant[] = []
  for await (const { id, outcome } of judgeDeliveries(database.db, job, options)) {
    const mutant = mutants.find((each) => each.id === id)
    if (!mutant) good.set(id, outcome)
    else judged.push(judgeMutant(mutant, outcome, good.get(mutant.source)!))
  }
  await database.drop()
  return { good, judged }
}

test.each([
  [1, [orders]],
  [2, [events, products]],
])(
  'the shipped contracts catch nine of ten of over 40 kinds of mutants with seed %i, and let the good day pass',
  async (seed, contracts) => {
    const { goodDir, mutants } = await writeAll(seed, contracts)
    expect(new Set(mutants.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(40)
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length)
    const everyFifth = mutants.filter((_, index) => index % 5 === seed % 5)
    const history = historyOf(date)
    const { good, judged } = await judge({ goodDir, mutants: everyFifth, history })
    for (const outcome of good.values()) {
      expect(outcome).toMatchObject({ refused: null, quarantined: {}, failedChecks: [] })
    }
    expect(judged.length).toBe(everyFifth.length)
    const survived = judged.filter(({ verdict }) => verdict === 'survived').map(({ id }) => id)
    expect(mutationScore(judged), survived.join(', ')).toBeGreaterThanOrEqual(mutationGoal)
  },
  300_000,
)

/** The shipped sources, one column of the orders without some of its rules. */
function without(name: string, rules: readonly (keyof Column)[]) {
  return (sources: Sources): Sources => {
    const source = sources.get('orders')!
    const columns = orders.columns.map((column) => {
      if (column.name !== name) return column
      const kept = Object.entries(column).filter(([rule]) => !rules.some((gone) => gone === rule))
      return { name, type: column.type, ...Object.fromEntries(kept) }
    })
    return new Map([...sources, ['orders', { ...source, contract: { ...orders, columns } }]])
  }
}

test('a contract without one of its rules catches fewer', async () => {
  const { goodDir, mutants } = await writeAll(4, [orders])
  const input = {
    goodDir,
    mutants: mutants.filter(({ id }) => id.startsWith('orders.unit_price.')),
    history: [],
  }
  const shipped = await judge(input)
  const weaker = await judge({ ...input, withContracts: without('unit_price', ['above']) })
  const caughtBy = ({ judged }: typeof shipped, id: string) =>
    judged.find((mutant) => mutant.id === id)?.caughtBy
  expect(caughtBy(shipped, 'orders.unit_price.negative')).toContain('rule unit_price_min')
  expect(caughtBy(weaker, 'orders.unit_price.negative')).toEqual([])
  expect(mutationScore(weaker.judged)!).toBeLessThan(mutationScore(shipped.judged)!)
}, 300_000)

test('what leaves the staged rows as they were is harmless, not caught', () => {
  const good = { refused: null, quarantined: {}, duplicates: 0, failedChecks: [], digest: 'a' }
  const mutant = { id: 'orders.file.shuffled_columns', source: 'orders', kind: 'shuffled_columns' }
  expect(judgeMutant(mutant, good, good).verdict).toBe('harmless')
  expect(judgeMutant(mutant, { ...good, digest: 'b' }, good).verdict).toBe('survived')
  const caught = judgeMutant(mutant, { ...good, quarantined: { order_id_required: 2 } }, good)
  expect(caught).toMatchObject({ verdict: 'caught', caughtBy: ['rule order_id_required'] })
  expect(mutationScore([caught, judgeMutant(mutant, good, good)])).toBe(1)
})
