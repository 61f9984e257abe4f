import type { Database, Transaction } from './database.ts'
import { inTransaction } from './database.ts'
import type { Grant, PoolState, SlotKey } from './slot-admission.ts'
import { admit, readPool } from './slot-admission.ts'

/** How long a request waits at the head of its pool before what comes free is held for it. */
const defaultReserveAfterMs = 5_000

export interface SlotRequest extends SlotKey {
  readonly workflowId: string
  readonly pool: string
  readonly slots: number
  /** The effective one; the highest goes first. */
  readonly priority: number
  readonly date: string
  readonly mapIndex: number
  /** Size of the pool unless audit.pools has a row for it; -1 is without limit. */
  readonly poolSlots: number
  /** Which try of the task asks; the latest to ask is the one that may give back. */
  readonly holder?: string
  /** Whether its run is to be told when it is let in; by default it is. */
  readonly isTold?: boolean
}

/** What is given back: of a task or of a whole run; with a holder only what that one has. */
export interface SlotRelease {
  readonly runId: string
  readonly taskId?: string | undefined
  readonly holder?: string | undefined
}

/** Never retried: waiting cannot help. */
export class PoolTooSmallError extends Error {
  override name = 'PoolTooSmall'
}

/**
 * Asks for slots and lets in whoever's turn it is. Asking twice is one request, in its first place.
 * @throws PoolTooSmallError when the whole pool is smaller than the request; nothing is written then
 */
export async function requestSlots(
  database: Database,
  request: SlotRequest,
  reserveAfterMs = defaultReserveAfterMs,
): Promise<{ isGranted: boolean; granted: Grant[] }> {
  return inPool(database, request.pool, async (transaction) => {
    if (await addRequest(transaction, request)) return { isGranted: true, granted: [] }
    const state = await readPool(transaction, request.pool)
    refuseTooLarge(request, state.size)
    const admitted = await admit(transaction, request.pool, state, reserveAfterMs)
    const granted = admitted.filter((grant) => !isSame(grant, request))
    return { isGranted: granted.length < admitted.length, granted }
  })
}

/** Gives back, or no longer waits for, the slots of a task or of a whole run; repeatable. */
export async function releaseSlots(
  database: Database,
  { runId, taskId, holder }: SlotRelease,
  reserveAfterMs = defaultReserveAfterMs,
): Promise<{ granted: Grant[] }> {
  const pools = await database.query<{ pool: string }>(
    `select distinct pool from audit.slot_requests
     where run_id = $1 and ($2::text is null or task_id = $2)
       and ($3::text is null or holder = $3)
     order by pool`,
    [runId, taskId, holder],
  )
  const granted: Grant[] = []
  for (const { pool } of pools.rows) {
    const admitted = await inPool(database, pool, async (transaction) => {
      await transaction.query(
        `delete from audit.slot_requests
         where pool = $1 and run_id = $2 and ($3::text is null or task_id = $3)
           and ($4::text is null or holder = $4)`,
        [pool, runId, taskId, holder],
      )
      return admit(transaction, pool, await readPool(transaction, pool), reserveAfterMs)
    })
    granted.push(...admitted)
  }
  return { granted }
}

/** Lets in whoever's turn it is, after the size of a pool was changed. */
export async function admitWaiting(database: Database, pool: string): Promise<Grant[]> {
  return inPool(database, pool, async (transaction) =>
    admit(transaction, pool, await readPool(transaction, pool), defaultReserveAfterMs),
  )
}

/** What became of a request; undefined when there is none. @throws PoolTooSmallError as when asking */
export async function lookAtRequest(
  database: Database,
  key: SlotKey,
): Promise<({ isGranted: boolean } & PoolState) | undefined> {
  const found = await database.query<{ pool: string; slots: number; is_granted: boolean }>(
    `select pool, slots, granted_at is not null as is_granted
     from audit.slot_requests where run_id = $1 and task_id = $2`,
    [key.runId, key.taskId],
  )
  const [row] = found.rows
  if (row === undefined) return undefined
  const state = await readPool(database, row.pool)
  if (!row.is_granted) refuseTooLarge({ ...key, pool: row.pool, slots: row.slots }, state.size)
  return { isGranted: row.is_granted, ...state }
}

/**
 * Executions that hold slots of a pool, or hold up its queue, and were not seen running for a while.
 * Each is handed out once an interval, so that many who wait do not ask Temporal for the same ones.
 */
export async function claimHoldersToCheck(
  database: Database,
  pool: string,
  intervalMs: number,
): Promise<{ runId: string; workflowId: string }[]> {
  const claimed = await database.query<{ run_id: string; workflow_id: string }>(
    `update audit.slot_requests set checked_at = clock_timestamp()
     where (run_id, task_id) in (
       select run_id, task_id from audit.slot_requests
       where pool = $1 and (granted_at is not null or head_at is not null)
         and checked_at <= clock_timestamp() - $2 * interval '1 millisecond'
       for update skip locked)
     returning run_id, workflow_id`,
    [pool, intervalMs],
  )
  const workflowIds = new Map(claimed.rows.map((row) => [row.run_id, row.workflow_id]))
  return [...workflowIds].map(([runId, workflowId]) => ({ runId, workflowId }))
}

/** Admission to a pool is one at a time, whatever process asks; pools do not wait for each other. */
async function inPool<T>(
  database: Database,
  pool: string,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  return inTransaction(database, async (transaction) => {
    await transaction.query(
      `select pg_advisory_xact_lock(hashtextextended('audit.pools/' || $1, 0))`,
      [pool],
    )
    return work(transaction)
  })
}

/** Returns whether the request was there and granted already. */
async function addRequest(transaction: Transaction, request: SlotRequest): Promise<boolean> {
  const added = await transaction.query<{ is_granted: boolean }>(
    `insert into audit.slot_requests
       (run_id, task_id, workflow_id, pool, slots, priority, logical_date, map_index, pool_slots,
        holder, is_told)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (run_id, task_id) do update set
       pool_slots = excluded.pool_slots, holder = excluded.holder, is_told = excluded.is_told
     returning granted_at is not null as is_granted`,
    [
      ...[request.runId, request.taskId, request.workflowId, request.pool, request.slots],
      ...[request.priority, request.date, request.mapIndex, request.poolSlots],
      ...[request.holder ?? '', request.isTold ?? true],
    ],
  )
  return added.rows[0]?.is_granted ?? false
}

function refuseTooLarge(
  { taskId, pool, slots }: Pick<SlotRequest, 'taskId' | 'pool' | 'slots'>,
  size: number | null,
): void {
  if (size === null || slots <= size) return
  throw new PoolTooSmallError(
    `${taskId || 'The run'} asks for ${slots} slots of the pool ${pool}, which has ${size} in all: ` +
      `give it more with \`daybook pools set ${pool} ${slots}\`, or ask for fewer`,
  )
}

function isSame(one: SlotKey, other: SlotKey): boolean {
  return one.runId === other.runId && one.taskId === other.taskId
}
