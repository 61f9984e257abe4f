import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { poolName } from '../dag/graph.ts'
import type { Database } from '../platform/database.ts'
import { admitWaiting } from '../platform/slots.ts'
import { jsonOption } from './arguments.ts'
import { withDatabase } from './connect.ts'
import { UsageError } from './exit-codes.ts'
import { instant, printJson, printLine, printTable } from './print.ts'

const unlimited = -1
const poolSize = z.union([
  z.literal('unlimited').transform(() => unlimited),
  z.coerce
    .number()
    .int()
    .min(unlimited)
    .max(1_000_000)
    .refine((slots) => slots !== 0),
])

export function registerPools(program: Command): void {
  const pools = program.command('pools').addHelpText(
    'after',
    `
Places among the active runs of a DAG are the pool dag:<dag_id>. --json is taken by every subcommand.

Examples:
  daybook pools
  daybook pools set warehouse 8 --description "connections the warehouse allows"
  daybook pools set dag:ecommerce_daily 4
  daybook pools delete warehouse`,
  )
  pools
    .command('list', { isDefault: true })
    .description('list size, use and queue of every pool')
    .addOption(jsonOption())
    .action(listPools)
  pools
    .command('set')
    .argument('<name>', 'letters, digits, _ . : -', parseName)
    .argument('<slots>', 'how many; -1 or unlimited for no limit', parseSize)
    .description('give a pool a size; what waits and fits now is let in')
    .option('--description <text>', 'what the pool protects')
    .addOption(jsonOption())
    .action(setPool)
  pools
    .command('delete')
    .argument('<name>', 'a pool that was set', parseName)
    .description('forget the size of a pool: it has its default again')
    .addOption(jsonOption())
    .action(deletePool)
}

function parseName(text: string): string {
  if (poolName.test(text)) return text
  throw new InvalidArgumentError('The name of a pool has letters, digits, and _ . : - only.')
}

function parseSize(text: string): number {
  const slots = poolSize.safeParse(text)
  if (slots.success) return slots.data
  throw new InvalidArgumentError('It must be a whole number from 1 on, or -1 for no limit.')
}

interface Pool {
  pool: string
  /** -1 is without limit. */
  slots: number
  used: number
  waiting: number
  head: { runKey: string; taskId: string; slots: number; priority: number; since: string } | null
  /** False where the size comes from the DAG, or is the default. */
  isSet: boolean
  description: string
}

async function listPools(flags: { json?: true }): Promise<void> {
  const pools = await withDatabase((database) => readPools(database, null))
  if (flags.json) return printJson(pools)
  const cells = pools.map(({ pool, slots, used, waiting, head, description }) => [
    ...[pool, slots === unlimited ? 'unlimited' : String(slots), used, waiting],
    ...[head && headInWords(head), description || null],
  ])
  const titles = ['pool', 'slots', 'used', 'waiting', 'head of the queue', 'description']
  printTable(titles, cells, 'No pool is set, and nothing asks for slots.')
}

function headInWords({ runKey, taskId, slots, since }: NonNullable<Pool['head']>): string {
  const what = taskId === '' ? runKey : `${runKey} ${taskId}`
  return `${what} (${slots}, since ${instant(new Date(since))})`
}

async function readPools(database: Database, pool: string | null): Promise<Pool[]> {
  const { rows } = await database.query<Pool>(
    `with names as (
       select pool from audit.pools union select pool from audit.slot_requests
     )
     select names.pool, coalesce(pools.slots, newest.pool_slots) as slots,
       coalesce(counts.used, 0) as used, coalesce(counts.waiting, 0) as waiting, head.head,
       pools.pool is not null as "isSet", coalesce(pools.description, '') as description
     from names
     left join audit.pools as pools using (pool)
     left join lateral (
       select pool_slots from audit.slot_requests as request where request.pool = names.pool
       order by requested_at desc limit 1
     ) as newest on true
     left join lateral (
       select sum(slots) filter (where granted_at is not null) as used,
         count(*) filter (where granted_at is null) as waiting
       from audit.slot_requests as request where request.pool = names.pool
     ) as counts on true
     left join lateral (
       select json_build_object('runKey', workflow_id, 'taskId', task_id, 'slots', slots,
         'priority', priority, 'since', requested_at) as head
       from audit.slot_requests as request
       where request.pool = names.pool and granted_at is null
       order by priority desc, logical_date, map_index, requested_at, run_id, task_id limit 1
     ) as head on true
     where $1::text is null or names.pool = $1
     order by names.pool`,
    [pool],
  )
  return rows
}

async function setPool(
  pool: string,
  slots: number,
  flags: { description?: string; json?: true },
): Promise<void> {
  const done = await withDatabase(async (database) => {
    await database.query(
      `insert into audit.pools (pool, slots, description) values ($1, $2, coalesce($3, ''))
       on conflict (pool) do update set
         slots = excluded.slots, description = coalesce($3, pools.description)`,
      [pool, slots, flags.description],
    )
    const admitted = (await admitWaiting(database, pool)).length
    const tooLarge = await countTooLarge(database, pool)
    return { ...(await readPools(database, pool))[0], admitted, tooLarge }
  })
  if (flags.json) return printJson(done)
  const size = slots === unlimited ? 'no limit' : `${slots} slots`
  printLine(`The pool ${pool} has ${size} now${admittedInWords(done.admitted)}`)
  if (done.tooLarge > 0) {
    printLine(`${done.tooLarge} that wait ask for more than ${slots} slots: their tasks will fail.`)
  }
}

async function countTooLarge(database: Database, pool: string): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*) from audit.slot_requests as request
     inner join audit.pools as pools using (pool)
     where pool = $1 and granted_at is null and pools.slots > 0 and request.slots > pools.slots`,
    [pool],
  )
  return rows[0]?.count ?? 0
}

async function deletePool(pool: string, flags: { json?: true }): Promise<void> {
  const admitted = await withDatabase(async (database) => {
    const deleted = await database.query('delete from audit.pools where pool = $1', [pool])
    if (deleted.rowCount === 0) {
      throw new UsageError(
        `The pool ${pool} is not set\n  Remedy: \`daybook pools\` lists those that are.`,
      )
    }
    return (await admitWaiting(database, pool)).length
  })
  if (flags.json) return printJson({ pool, admitted })
  printLine(`The pool ${pool} has its default size again${admittedInWords(admitted)}`)
}

/** Nobody has told them: they look every ten seconds. */
function admittedInWords(admitted: number): string {
  return admitted === 0 ? '' : `; ${admitted} that waited start within seconds`
}
