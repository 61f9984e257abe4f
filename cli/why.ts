import type { Command } from 'commander'
import { explain } from '../dag/explain.ts'
import type { Graph } from '../dag/graph.ts'
import { taskOf } from '../dag/graph.ts'
import { readChoice } from '../dag/instances.ts'
import type { TaskState, TaskStates } from '../dag/task-state.ts'
import { stateOf } from '../dag/task-state.ts'
import { endedWithoutAWord } from '../platform/ended-run.ts'
import { describeExecution } from '../platform/read-ledger.ts'
import { dagOption, jsonOption } from './arguments.ts'
import { withClient, withDatabase } from './connect.ts'
import { CommandFailed, UsageError } from './exit-codes.ts'
import { printJson, printLine } from './print.ts'
import type { RecordedRun } from './recorded-run.ts'
import { readLatestTry, requireRun } from './recorded-run.ts'
import { askRun } from './states-now.ts'

interface Flags {
  dag: string
  json?: true
}

export function registerWhy(program: Command): void {
  program
    .command('why')
    .argument('<run>', 'a run key (ecommerce_daily/2025-12-13), a date or a run id')
    .argument('<task>', 'a task of the run, such as publish, or an instance: load[3]')
    .addOption(dagOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
A run that goes on answers itself, which takes a worker; of one that has ended it is on record.

Examples:
  daybook why 2025-12-13 publish
  daybook why online_retail_daily/2011-11-14 dq_checks --json`,
    )
    .action(explainTask)
}

async function explainTask(key: string, taskId: string, flags: Flags): Promise<void> {
  const run = await withDatabase((database) => requireRun(database, key, flags.dag))
  const { taskId: mapped, indexes } = readChoice(taskId)
  assertTask(run, mapped)
  if (indexes !== undefined) return explainInstance(run, taskId, flags)
  if (run.ended_at === null) return explainLive(run, taskId, flags)
  if (run.error === endedWithoutAWord) throw doesNotGoOn(run, 'terminated, or out of time')
  const causes = causesOf(run.graph, run.task_states, taskId)
  if (flags.json) return printJson({ run_key: run.run_key, task_id: taskId, causes })
  for (const [index, { task_id, state, reason }] of causes.entries()) {
    const because = index === 0 ? '' : `${'  '.repeat(index)}because `
    const where = index === 0 ? ` in ${run.run_key}` : ''
    printLine(`${because}${task_id} is ${inWords(state)}${where} (${reason})`)
  }
}

/** Its latest try, in whichever execution of the run that was: a clear lets others stay as they are. */
async function explainInstance(run: RecordedRun, taskId: string, { json }: Flags): Promise<void> {
  const attempt = await withDatabase((database) => readLatestTry(database, run.run_key, taskId))
  if (attempt === undefined) {
    throw new UsageError(
      `error: no instance ${taskId} has begun in ${run.run_key}; ` +
        `\`daybook show ${run.run_key}\` lists those that have`,
    )
  }
  if (json) return printJson({ run_key: run.run_key, ...attempt })
  const { display_name: name, state, attempt: no, error } = attempt
  const named = name === null ? taskId : `${taskId} (${name})`
  const because = error === null ? '' : `: ${error}`
  printLine(`${named} is ${state} in ${run.run_key} (attempt ${no}${because})`)
}

function assertTask({ graph, run_key }: RecordedRun, taskId: string): void {
  if (graph.tasks.some((task) => task.id === taskId)) return
  const known = graph.tasks.map((task) => task.id).join(', ')
  throw new UsageError(`error: ${run_key} has no task ${taskId}; it has ${known}`)
}

async function explainLive(run: RecordedRun, taskId: string, { json }: Flags): Promise<void> {
  const answer = await explainNow(run, taskId)
  if (json) printJson({ run_key: run.run_key, task_id: taskId, answer })
  else printLine(answer)
}

function doesNotGoOn({ run_key }: RecordedRun, status: string): CommandFailed {
  return new CommandFailed(
    `${run_key} does not go on, and has written no end: Temporal says ${status}\n` +
      `  Remedy: \`daybook clear ${run_key}\` goes on from what is on record.`,
  )
}

function explainNow(run: RecordedRun, taskId: string): Promise<string> {
  const { run_key, graph } = run
  return withClient(async (client) => {
    const execution = await describeExecution(client, run_key)
    if (execution?.isOpen === false) throw doesNotGoOn(run, execution.status.toLowerCase())
    const states = await askRun(client, run).catch(() => undefined)
    if (states !== undefined) return explain(graph, states, taskId)
    // A reset goes on under a run id of its own.
    return client.workflow
      .getHandle(run_key)
      .query<string, [string]>('why', taskId)
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error)
        throw new CommandFailed(
          `${run_key} is running but gave no answer: ${reason}\n` +
            '  Remedy: a worker has to be up to answer for it; start one with `npm start`.',
        )
      })
  })
}

interface Cause {
  readonly task_id: string
  readonly state: TaskState
  readonly reason: string
}

/** The task and, one after the other, what put each into its state; the first cause is the last. */
function causesOf(graph: Graph, states: TaskStates, taskId: string): Cause[] {
  const causes: Cause[] = []
  let next: string | undefined = taskId
  while (next !== undefined && !causes.some((known) => known.task_id === next)) {
    const state = stateOf(states, next)
    const reason = states[next]?.reason ?? 'nothing is on record'
    causes.push({ task_id: next, state, reason })
    next = causeOf(graph, states, next)
  }
  return causes
}

const blocking: Partial<Record<TaskState, readonly TaskState[]>> = {
  upstream_failed: ['failed', 'upstream_failed', 'skipped'],
  skipped: ['skipped', 'failed', 'upstream_failed'],
}

/** Runs of earlier versions recorded no causes: there it is the upstream task in a state that blocks. */
function causeOf(graph: Graph, states: TaskStates, taskId: string): string | undefined {
  const recorded = states[taskId]?.because?.[0]
  if (recorded !== undefined) return recorded
  const { upstream } = taskOf(graph, taskId)
  const wanted = blocking[stateOf(states, taskId)] ?? []
  const found = wanted.flatMap((state) => upstream.filter((id) => stateOf(states, id) === state))
  return found[0] ?? (stateOf(states, taskId) === 'skipped' ? branchOf(graph, taskId) : undefined)
}

function branchOf(graph: Graph, taskId: string): string | undefined {
  return graph.tasks.find((task) => task.choices.includes(taskId))?.id
}

function inWords(state: TaskState): string {
  return state === 'none' ? 'not started' : state
}
