import type { Database, Transaction } from './database.ts'

export interface SlotKey {
  readonly runId: string
  /** Empty for the run's own place among the active runs of its DAG. */
  readonly taskId: string
}

/** A request that was let in, and whom to tell. */
export interface Grant extends SlotKey {
  readonly workflowId: string
  /** Whether its run is to be told. */
  readonly isTold: boolean
}

export interface PoolState {
  /** Null where there is no limit. */
  readonly size: number | null
  readonly used: number
}

export async function readPool(database: Database | Transaction, pool: string): Promise<PoolState> {
  const found = await database.query<PoolState>(
    `select
       nullif(coalesce(
         (select slots from audit.pools where pool = $1),
         (select pool_slots from audit.slot_requests where pool = $1
          order by requested_at desc limit 1)), -1) as size,
       (select coalesce(sum(slots), 0) from audit.slot_requests
        where pool = $1 and granted_at is not null) as used`,
    [pool],
  )
  return found.rows[0] ?? { size: null, used: 0 }
}

/**
 * Lets requests in by their order. One that needs more slots than are free is passed over by smaller
 * ones, until it has waited long enough at the head: then nothing behind it goes before it.
 */
export async function admit(
  transaction: Transaction,
  pool: string,
  { size, used }: PoolState,
  reserveAfterMs: number,
): Promise<Grant[]> {
  if (size === null) return (await grant(transaction, pool, null, null)).grants
  const free = Math.max(size - used, 0)
  const inOrder = await grant(transaction, pool, free, size)
  const granted = inOrder.grants
  const mayPass = await mayPassHead(transaction, pool, size, reserveAfterMs)
  let left = free - inOrder.slots
  while (mayPass && left > 0) {
    const passing = await grant(transaction, pool, left, left)
    if (passing.slots === 0) break
    granted.push(...passing.grants)
    left -= passing.slots
  }
  return granted
}

/** Lets in the first ones that fit together, of those of at most `largest` slots. */
async function grant(
  transaction: Transaction,
  pool: string,
  free: number | null,
  largest: number | null,
): Promise<{ grants: Grant[]; slots: number }> {
  if (free === 0) return { grants: [], slots: 0 }
  const granted = await transaction.query<Grant & { slots: number }>(
    `with candidates as (
       select * from audit.slot_requests
       where pool = $1 and granted_at is null and ($3::int is null or slots <= $3)
       order by priority desc, logical_date, map_index, requested_at, run_id, task_id
       limit $2::int
     ),
     fitting as (
       select run_id, task_id, sum(slots) over (
         order by priority desc, logical_date, map_index, requested_at, run_id, task_id
       ) as total
       from candidates
     )
     update audit.slot_requests as request
     set granted_at = clock_timestamp(), checked_at = clock_timestamp()
     from fitting
     where request.run_id = fitting.run_id and request.task_id = fitting.task_id
       and ($2::int is null or fitting.total <= $2::int)
     returning request.run_id as "runId", request.task_id as "taskId",
       request.workflow_id as "workflowId", request.is_told as "isTold", request.slots`,
    [pool, free, largest],
  )
  const slots = granted.rows.reduce((sum, row) => sum + row.slots, 0)
  return { grants: granted.rows.map(({ slots: _, ...row }) => row), slots }
}

/** Whether the first one left waiting may still be passed over. What is larger than its pool is no head. */
async function mayPassHead(
  transaction: Transaction,
  pool: string,
  size: number,
  reserveAfterMs: number,
): Promise<boolean> {
  const found = await transaction.query<SlotKey & { isNew: boolean; isDue: boolean }>(
    `select run_id as "runId", task_id as "taskId", head_at is null as "isNew",
       coalesce(head_at, clock_timestamp()) + $3 * interval '1 millisecond' <= clock_timestamp()
         as "isDue"
     from audit.slot_requests
     where pool = $1 and granted_at is null and slots <= $2
     order by priority desc, logical_date, map_index, requested_at, run_id, task_id
     limit 1`,
    [pool, size, reserveAfterMs],
  )
  const [head] = found.rows
  if (head === undefined) return false
  if (head.isNew) {
    await transaction.query(
      `update audit.slot_requests set head_at = clock_timestamp()
       where run_id = $1 and task_id = $2`,
      [head.runId, head.taskId],
    )
  }
  return !head.isDue
}
