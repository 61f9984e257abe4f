import { ApplicationFailure } from '@temporalio/activity'
import type { Graph } from '../dag/graph.ts'
import { directDownstream } from '../dag/graph.ts'
import type { PastInput } from '../dag/run-loop/limits.ts'
import type { TaskState, TaskStates } from '../dag/task-state.ts'
import type { Database } from '../platform/database.ts'

export interface PastDeps {
  readonly database: Database
  /** Between two looks. */
  readonly pollSeconds?: number
}

interface PastRun {
  logical_date: string
  state: string
  graph: Graph
  task_states: TaskStates
  succeeded: string[]
}

/** Airflow's depends_on_past and wait_for_downstream. */
export function createPastActivities({ database, pollSeconds = 10 }: PastDeps) {
  return {
    /** Fails, to be tried again, until the task was successful or skipped in the run of the date before. */
    async awaitPast(input: PastInput): Promise<void> {
      const blocker = await findBlocker(database, input)
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
async function findBlocker(database: Database, input: PastInput): Promise<string | undefined> {
  const run = await readPreviousRun(database, input)
  if (run === undefined) return undefined
  const hasTask = run.graph.tasks.some((task) => task.id === input.taskId)
  if (!hasTask) {
    // New tasks have no past, unless an older run had them already.
    if (await isNewTask(database, input)) return undefined
    return `the run of ${run.logical_date} has no task ${input.taskId}`
  }
  const after = input.waitForDownstream ? directDownstream(run.graph, input.taskId) : []
  for (const id of [input.taskId, ...after]) {
    const state = stateIn(run, id)
    if (state !== 'success' && state !== 'skipped') {
      return `${id} of ${run.logical_date} is ${state}`
    }
  }
  return undefined
}

/** The states of a run that goes on are its workflow's; that a task has succeeded is written at once. */
function stateIn(run: PastRun, taskId: string): string {
  if (run.succeeded.includes(taskId)) return 'success'
  const known: TaskState | undefined = run.task_states[taskId]?.state
  if (known !== undefined && known !== 'none') return known
  return `not done: its run is ${run.state}`
}

async function readPreviousRun(
  database: Database,
  { dagId, date }: PastInput,
): Promise<PastRun | undefined> {
  const { rows } = await database.query<PastRun>(
    `select run.logical_date, run.state, run.graph, run.task_states,
       array(select distinct task.task_id from audit.task_runs as task
             where task.run_id = run.run_id and task.state = 'success') as succeeded
     from audit.pipeline_runs as run
     where run.dag_id = $1 and run.logical_date < $2
     order by run.logical_date desc, run.started_at desc limit 1`,
    [dagId, date],
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
