import type { Dag } from '../dag/define-dag.ts'
import { dags } from '../workflows/dags.ts'

/** A Temporal Schedule, as data. Its id is also the id its workflows begin with. */
export interface DaybookSchedule {
  readonly id: string
  readonly workflowType: string
  readonly cron: string
  readonly timeZone: string
  /** How late a tick is still taken up after an outage. */
  readonly catchupWindow: `${number} ${'minutes' | 'days'}`
  /**
   * What a tick does while what the one before has started still runs. The dialogs of the Web UI offer
   * this policy first, and `SKIP` would drop the days of a backfill silently.
   */
  readonly overlap: 'ALLOW_ALL' | 'SKIP'
  readonly note: string
}

/**
 * No tick waits for another: a run waits for its own place among the active ones of its DAG. Ticks that
 * are later than a day are left to catch_up, which starts no more at once than the DAG allows.
 */
export function scheduleOf(dag: Dag): DaybookSchedule[] {
  if (!dag.schedule) return []
  const { cron, timeZone } = dag.schedule
  return [
    {
      ...{ id: dag.id, workflowType: dag.id, cron, timeZone },
      ...{ catchupWindow: '1 days', overlap: 'ALLOW_ALL' },
      note: dag.description || `Runs ${dag.id} for the day before`,
    },
  ]
}

const everyFiveMinutes: Pick<DaybookSchedule, 'cron' | 'timeZone' | 'catchupWindow' | 'overlap'> = {
  ...{ cron: '*/5 * * * *', timeZone: 'UTC', catchupWindow: '5 minutes' },
  // The next one does what this one would have.
  overlap: 'SKIP',
}

const deliverMail: DaybookSchedule = {
  ...{ id: 'deliver_mail', workflowType: 'deliver_mail', ...everyFiveMinutes },
  note: 'Sends mails of the outbox that could not be sent at once',
}

const catchUp: DaybookSchedule = {
  ...{ id: 'catch_up', workflowType: 'catch_up', ...everyFiveMinutes },
  note: 'Starts the runs of days that were due and have none; paused, nothing is made up for',
}

const startConsumers: DaybookSchedule = {
  ...{ id: 'start_consumers', workflowType: 'start_consumers', cron: '* * * * *', timeZone: 'UTC' },
  catchupWindow: '5 minutes',
  // The next look finds what this one would have.
  overlap: 'SKIP',
  note: 'Starts runs whose datasets are complete and that could not start when they became so',
}

/** The schedules of these DAGs, and of what goes on beside them. */
export function schedulesOf(all: readonly Dag[]): DaybookSchedule[] {
  const consumers = all.some((dag) => dag.datasets !== undefined) ? [startConsumers] : []
  return [...all.flatMap(scheduleOf), ...consumers, deliverMail, catchUp]
}

export const schedules: readonly DaybookSchedule[] = schedulesOf(dags)

/** Every DAG there is, also those without a schedule. */
export const allDags: readonly Dag[] = dags
export const dagIds: readonly string[] = dags.map((dag) => dag.id)

export function findDag(id: string): Dag | undefined {
  return dags.find((dag) => dag.id === id)
}
