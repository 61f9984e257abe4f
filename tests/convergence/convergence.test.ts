import fc from 'fast-check'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { anyHistory, inWords, type Delivery, type History } from './any-history.ts'
import { differingRows, openBooks, type Books } from './books.ts'

const { seed, histories } = inject('convergence')

/** Shrinking a failing history stops in time for the test to tell it. */
const longestMs = 60_000 + histories * 10_000
const limits = { interruptAfterTimeLimit: longestMs, markInterruptAsFailure: true }

let lived: Books
let fresh: Books
beforeAll(async () => {
  lived = await openBooks()
  fresh = await openBooks()
})
afterAll(async () => {
  await lived.drop()
  await fresh.drop()
})

test(
  `whatever was delivered and run, in whatever order, the books are those of the final files (seed ${seed}, ${histories} histories)`,
  async () => {
    const property = fc.asyncProperty(anyHistory, async (history) => {
      const rows = await differencesOf(history)
      if (rows.length > 0) throw new Error(rows.join('\n'))
    })
    const result = await fc.check(property, { seed, numRuns: histories, ...limits })
    if (result.failed) expect.fail(failureInWords(result))
  },
  longestMs + 60_000,
)

/** Where the books differ from those of the same final files, run once in the order of dates. */
async function differencesOf(history: History): Promise<string[]> {
  const inOrder = history.days
    .toSorted()
    .map((date) => ({ does: 'run', date, how: 'publish' }) as const)
  await Promise.all([
    lived.book([...history.steps, ...history.lastRuns]),
    fresh.book([...finalFiles(history), ...inOrder]),
  ])
  const [found, expected] = await Promise.all([lived.digests(), fresh.digests()])
  const differing = Object.keys(expected).filter(
    (table) => found[table]?.digest !== expected[table]?.digest,
  )
  const rows: string[] = []
  for (const table of differing) {
    rows.push(table, ...(await differingRows(lived.database, fresh.database, table)))
  }
  return rows
}

function finalFiles({ steps }: History): Delivery[] {
  const files = new Map<string, Delivery>()
  for (const step of steps) if (step.does === 'deliver') files.set(step.path, step)
  return [...files.values()]
}

function failureInWords(result: fc.RunDetails<[History]>): string {
  const [history] = result.counterexample ?? []
  if (history === undefined) return fc.defaultReportMessage(result) ?? 'failed without a history'
  return [
    `after ${result.numRuns} histories (seed ${result.seed}, path ${result.counterexamplePath}), shrunk ${result.numShrinks} times:`,
    inWords(history),
    'rows of these books alone (+), and of those of the final files (-):',
    result.errorInstance instanceof Error ? result.errorInstance.message : '',
  ].join('\n')
}
