import { ApplicationFailure } from '@temporalio/activity'
import type { Client } from '@temporalio/client'
import { WorkflowNotFoundError } from '@temporalio/client'
import type { Graph } from '../dag/graph.ts'
import { directDownstream } from '../dag/graph.ts'
import type { PastInput } from '../dag/run-loop/limits.ts'
import { triggersOfScheduledPast } from '../dag/run-type.ts'
import type { TaskState, TaskStates } from '../dag/task-state.ts'
import type { Database } from '../platform/database.ts'

export interface PastDeps {
  readonly database: Database
  readonly client: Client
  /** Between two looks. */
  readonly pollSeconds?: number
}

interface PastRun {
  run_key: string
  logical_date: string
  state: string
  graph: Graph
  task_states: TaskStates
  succeeded: string[]
}

/** Airflow's depends_on_past and wait_for_downstream. */
export function createPastActivities({ database, client, pollSeconds = 10 }: PastDeps) {
  return {
    /** Fails, to be tried again, until the task was successful or skipped in the run of the date before. */
    async awaitPast(input: PastInput): Promise<void> {
      const blocker = await findBlocker({ database, client }, input)
      if (blocker === undefined) return
      throw ApplicationFailure.create({
        message: `${input.taskId} waits: ${blocker}`,
        type: 'PastNotReady',
        nextRetryDelay: `${pollSeconds} seconds`,
      })
    },
  }
}

/** What the past lacks, in words; undefined if nothing. */
async function findBlocker(
  { database, client }: PastDeps,
  input: PastInput,
): Promise<string | undefined> {
  const run = await readPreviousRun(database, input)
  if (run === undefined) return undefined
  const hasTask = run.graph.tasks.some((task) => task.id === input.taskId)
  if (!hasTask) {
    // New tasks have no past, unless an older run had them already.
    if (await isNewTask(database, input)) return undefined
    return `the run of ${run.logical_date} has no task ${input.taskId}`
  }
  const after = input.waitForDownstream ? directDownstream(run.graph, input.taskId) : []
  const now = run.state === 'running' ? await askRun(client, run.run_key) : undefined
  for (const id of [input.taskId, ...after]) {
    const state = now?.[id]?.state ?? stateIn(run, id)
    if (state !== 'success' && state !== 'skipped') {
      return `${id} of ${run.logical_date} is ${state}`
    }
  }
  return undefined
}

/** The states of a run that goes on are its workflow's alone; undefined where Temporal knows none. */
async function askRun(client: Client, runKey: string): Promise<TaskStates | undefined> {
  try {
    return await client.workflow.getHandle(runKey).query<TaskStates>('state')
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined
    throw error
  }
}

/** As the ledger has it: what a task did is written at once, and all states when the run ends. */
function stateIn(run: PastRun, taskId: string): string {
  if (run.succeeded.includes(taskId)) return 'success'
  const known: TaskState | undefined = run.task_states[taskId]?.state
  if (known !== undefined && known !== 'none') return known
  return `not done: its run is ${run.state}`
}

/**
 * The latest execution of the date before. With `isScheduled`, as in Airflow, dates that only people
 * asked for do not count; one that somebody ran again still does.
 */
async function readPreviousRun(
  database: Database,
  { dagId, date, isScheduled }: PastInput,
): Promise<PastRun | undefined> {
  const { rows } = await database.query<PastRun>(
    `select run.run_key, run.logical_date, run.state, run.graph, run.task_states,
       array(select distinct task.task_id from audit.task_runs as task
             where task.run_id = run.run_id and task.state = 'success') as succeeded
     from audit.executions as run
     where run.dag_id = $1 and run.logical_date = (
       select max(earlier.logical_date) from audit.pipeline_runs as earlier
       where earlier.dag_id = $1 and earlier.logical_date < $2
         and (not $3::boolean or earlier.trigger = any ($4)))
     order by run.recency desc limit 1`,
    [dagId, date, isScheduled ?? false, triggersOfScheduledPast],
  )
  return rows[0]
}

async function isNewTask(database: Database, { dagId, date, taskId }: PastInput): Promise<boolean> {
  const { rows } = await database.query(
    `select 1 from audit.pipeline_runs
     where dag_id = $1 and logical_date < $2 and task_states ? $3 limit 1`,
    [dagId, date, taskId],
  )
  return rows.length === 0
}
