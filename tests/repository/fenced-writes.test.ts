import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const activities = join(import.meta.dirname, '../../activities')

/**
 * Who may write without being an attempt of a task, and why a second writer does no harm. All other
 * activities write by writeInAttempt.
 */
const unfenced: Readonly<Record<string, string>> = {
  'backfills.ts': 'rows of backfills; its workflow is the only writer',
  'notify.ts': 'mails on failure and deadline, by a key that the outbox has once',
  'open-run.ts': 'opens the run that the tasks belong to',
  'outbox.ts': 'marks a mail while it holds the row that it has sent',
  'pause-after-failures.ts': 'pauses a schedule, of no run',
  'runs.ts': 'rows of the run itself; its workflow is the only writer',
}

/** The arguments of a call whose opening bracket is at `opening`. */
function argumentsAt(source: string, opening: number): string {
  let depth = 0
  for (let index = opening; index < source.length; index += 1) {
    if (source[index] === '(') depth += 1
    if (source[index] === ')') depth -= 1
    if (depth === 0) return source.slice(opening, index)
  }
  return source.slice(opening)
}

/** Statements that go past the fence and write: on the pool itself, or in a transaction of their own. */
function unfencedWrites(source: string): string[] {
  const calls = [
    ...source.matchAll(/\b(?:database|pool)\s*\.query(?:<[^(]*>)?\(|\binTransaction\(/g),
  ]
  return calls
    .map((call) => [call[0], argumentsAt(source, call.index + call[0].length - 1)] as const)
    .filter(([call, sql]) => call.startsWith('inTransaction') || writes.test(sql))
    .map(([call]) => call)
}

const writes =
  /\b(insert\s+into|update\s+[a-z$]|delete\s+from|merge\s+into|truncate\s|(create|alter|drop)\s+(temp\s+)?(table|schema|view))/i

test('every activity that writes is fenced, or says why it need not be', () => {
  const found = readdirSync(activities).filter(
    (file) => unfencedWrites(readFileSync(join(activities, file), 'utf8')).length > 0,
  )
  expect(found.toSorted()).toEqual(Object.keys(unfenced).toSorted())
})

test.each([
  ['await database.query(`delete from raw.orders where load_date = $1`, [date])', 1],
  ['await deps.database.query<{ id: number }>("insert into audit.x values (f($1))", [date])', 1],
  ['return inTransaction(database, async (transaction) => work(transaction))', 1],
  ['await database.query("select * from audit.updates where state = \'insert\'")', 0],
  ['await writeInAttempt(database, (transaction) => transaction.query("delete from x"))', 0],
])('%s is found as an unfenced write %i times', (source, times) => {
  expect(unfencedWrites(source)).toHaveLength(times)
})
