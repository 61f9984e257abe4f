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
   * What a tick does while the one before still runs. The dialogs of the Web UI offer this policy
   * first, and `SKIP` would drop the days of a backfill silently.
   */
  readonly overlap: 'BUFFER_ALL' | 'SKIP'
  readonly note: string
}

/** With catch-up, a tick of the last year is made up for; without, only the newest one. */
export function scheduleOf(dag: Dag): DaybookSchedule[] {
  if (!dag.schedule) return []
  const { cron, timeZone } = dag.schedule
  return [
    {
      ...{ id: dag.id, workflowType: dag.id, cron, timeZone },
      catchupWindow: dag.catchup ? '365 days' : '1 days',
      overlap: 'BUFFER_ALL',
      note: dag.description || `Runs ${dag.id} for the day before`,
    },
  ]
}

const deliverMail: DaybookSchedule = {
  ...{ id: 'deliver_mail', workflowType: 'deliver_mail', cron: '*/5 * * * *', timeZone: 'UTC' },
  catchupWindow: '5 minutes',
  // The next one sends what this one would have.
  overlap: 'SKIP',
  note: 'Sends mails of the outbox that could not be sent at once',
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
  return [...all.flatMap(scheduleOf), ...consumers, deliverMail]
}

export const schedules: readonly DaybookSchedule[] = schedulesOf(dags)

/** Every DAG there is, also those without a schedule. */
export const allDags: readonly Dag[] = dags
export const dagIds: readonly string[] = dags.map((dag) => dag.id)

export function findDag(id: string): Dag | undefined {
  return dags.find((dag) => dag.id === id)
}
