import type { DatasetLedger, FreshEvent, FreshQuestion } from '../dag/dataset-waits.ts'
import type { DatasetDays, DatasetEvent } from '../dag/datasets.ts'
import type { Database, Transaction } from './database.ts'

export interface WrittenDatasets {
  readonly datasets: readonly string[]
  readonly date: string
  /** The first id of the execution, which a reset keeps. */
  readonly runId: string
  readonly runKey: string
  readonly taskId: string
  readonly cleared: number
}

/** Keeps that a task has written a day of datasets: once for each time that it was cleared. Repeatable. */
export async function recordEvents(
  database: Database,
  { datasets, date, runId, runKey, taskId, cleared }: WrittenDatasets,
): Promise<void> {
  await database.query(
    `insert into audit.dataset_events (dataset, logical_date, run_id, run_key, task_id, cleared)
     select dataset, $2, $3, $4, $5, $6 from unnest($1::text[]) as dataset
     on conflict (run_id, task_id, dataset, cleared) do nothing`,
    [datasets, date, runId, runKey, taskId, cleared],
  )
}

export interface EventByHand {
  readonly dataset: string
  readonly date: string
  readonly by: string
  readonly reason: string
}

/** Keeps that a person says that a day of a dataset was written. */
export async function recordEventByHand(
  database: Database,
  { dataset, date, by, reason }: EventByHand,
): Promise<void> {
  await database.query(
    `insert into audit.dataset_events (dataset, logical_date, made_by, reason)
     values ($1, $2, $3, $4)`,
    [dataset, date, by, reason],
  )
}

/** From now on at the latest the DAG is known to wait for the datasets. Repeatable. */
export async function registerConsumer(
  database: Database,
  dagId: string,
  datasets: readonly string[],
): Promise<void> {
  await database.query(
    `insert into audit.dataset_consumers (dag_id, dataset)
     select $1, dataset from unnest($2::text[]) as dataset
     on conflict do nothing`,
    [dagId, datasets],
  )
}

export interface Consumer {
  readonly dagId: string
  readonly runId: string
  readonly runKey: string
  readonly date: string
}

/**
 * Has a run take up all events of its days that no successful run of its date has taken up. Returns
 * those of the run.
 */
export async function consumeEvents(
  transaction: Transaction,
  { dagId, runId, runKey, date }: Consumer,
  days: readonly DatasetDays[],
): Promise<DatasetEvent[]> {
  for (const { dataset, from, to } of days) {
    await transaction.query(
      `insert into audit.dataset_consumptions (run_id, event_id, run_key, dag_id, logical_date)
       select $1, event.event_id, $2, $3, $4 from audit.dataset_events as event
       where event.dataset = $5 and event.logical_date between $6 and $7
         and not exists (select from audit.dataset_consumptions as taken
                         join audit.pipeline_runs as run using (run_id)
                         where taken.event_id = event.event_id and run.state = 'success'
                           and taken.dag_id = $3 and taken.logical_date = $4)
       on conflict do nothing`,
      [runId, runKey, dagId, date, dataset, from, to],
    )
  }
  return readConsumed(transaction, runId)
}

/** Whether an event of its days was taken up by no other run of its date, however that ended. */
export async function findFreshEvent(
  database: Database,
  { dagId, runId, date }: Consumer,
  days: readonly DatasetDays[],
): Promise<boolean> {
  const { rows } = await database.query(
    `select 1 from unnest($4::text[], $5::date[], $6::date[]) as wanted (dataset, first, last)
     join audit.dataset_events as event
       on event.dataset = wanted.dataset and event.logical_date between wanted.first and wanted.last
     where not exists (select from audit.dataset_consumptions as taken
                       where taken.event_id = event.event_id and taken.dag_id = $1
                         and taken.logical_date = $3 and taken.run_id <> $2)
     limit 1`,
    [
      ...[dagId, runId, date, days.map((one) => one.dataset)],
      ...[days.map((one) => one.from), days.map((one) => one.to)],
    ],
  )
  return rows.length > 0
}

/** A run that repairs another goes on with what that one took up. */
export async function inheritEvents(
  transaction: Transaction,
  { dagId, runId, runKey, date }: Consumer,
  fromRunId: string,
): Promise<DatasetEvent[]> {
  await transaction.query(
    `insert into audit.dataset_consumptions (run_id, event_id, run_key, dag_id, logical_date)
     select $1, event_id, $2, $3, $4 from audit.dataset_consumptions where run_id = $5
     on conflict do nothing`,
    [runId, runKey, dagId, date, fromRunId],
  )
  return readConsumed(transaction, runId)
}

async function readConsumed(transaction: Transaction, runId: string): Promise<DatasetEvent[]> {
  const { rows } = await transaction.query<EventRow>(
    `select event.dataset, event.logical_date, event.run_key, event.task_id, event.recorded_at
     from audit.dataset_consumptions join audit.dataset_events as event using (event_id)
     where dataset_consumptions.run_id = $1
     order by event.logical_date, event.event_id`,
    [runId],
  )
  return rows.map((row) => ({
    dataset: row.dataset,
    date: row.logical_date,
    runKey: row.run_key,
    taskId: row.task_id,
    recordedAt: row.recorded_at.toISOString(),
  }))
}

interface EventRow {
  dataset: string
  logical_date: string
  run_key: string | null
  task_id: string | null
  recorded_at: Date
}

/** The events as they are kept. */
export function datasetLedger(database: Database): DatasetLedger {
  return {
    readFreshEvents: (question) => readFreshEvents(database, question),
    readDaysWithEvents: (days) => readDaysWithEvents(database, days),
  }
}

async function readFreshEvents(
  database: Database,
  { dagId, datasets, catchup }: FreshQuestion,
): Promise<FreshEvent[]> {
  const { rows } = await database.query<FreshEvent>(
    `with event as (
       select event.*, wanted.uses
       from unnest($2::text[], $3::int[]) as wanted (dataset, uses)
       join audit.dataset_events as event using (dataset)
       left join audit.dataset_consumers as consumer
         on consumer.dag_id = $1 and consumer.dataset = event.dataset
       where $4 or event.recorded_at >= coalesce(consumer.since, now())),
     -- Nearly all events have been taken up: not one look-up for each of them.
     untaken as (
       select *, '{}'::text[] as dates from event
       where not exists (
         select from audit.dataset_consumptions as taken
         where taken.event_id = event.event_id and taken.dag_id = $1)),
     taken_in_part as (
       select event.*, taken.dates from event
       cross join lateral (
         select array_agg(distinct logical_date::text) as dates
         from audit.dataset_consumptions
         where event_id = event.event_id and dag_id = $1) as taken
       where event.uses > 1 and cardinality(taken.dates) < event.uses)
     select dataset, logical_date as date, dates as "takenBy"
     from (table untaken union all table taken_in_part) as fresh
     order by logical_date, event_id`,
    [dagId, datasets.map(({ name }) => name), datasets.map(({ uses }) => uses), catchup],
  )
  return rows
}

async function readDaysWithEvents(
  database: Database,
  days: readonly DatasetDays[],
): Promise<Set<string>> {
  const { rows } = await database.query<{ day: string }>(
    `select distinct event.dataset || ' ' || event.logical_date as day
     from unnest($1::text[], $2::date[], $3::date[]) as wanted (dataset, first, last)
     join audit.dataset_events as event
       on event.dataset = wanted.dataset and event.logical_date between wanted.first and wanted.last`,
    [days.map((one) => one.dataset), days.map((one) => one.from), days.map((one) => one.to)],
  )
  return new Set(rows.map(({ day }) => day))
}
