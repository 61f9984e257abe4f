import { isCalendarDate } from './calendar.ts'
import { isTimeZone, parseDailyCron } from './cron.ts'
import { checkDeadline } from './deadline.ts'
import type { DatasetCondition } from './datasets.ts'
import { problemsOf, problemsOfName } from './datasets.ts'
import type { Dag } from './define-dag.ts'
import { findCircle } from './find-circle.ts'
import type { Graph, TaskNode } from './graph.ts'
import { directDownstream, poolName, triggerRules } from './graph.ts'
import { groupsOf } from './groups.ts'
import { tasksUsed } from './reference.ts'
import { problemOfParams } from './resolve-run.ts'

export class InvalidDag extends Error {
  override name = 'InvalidDag'
}

/** @throws InvalidDag naming every mistake at once */
export function validateDag(dag: Dag): void {
  const problems = [...checkOptions(dag), ...checkGraph(dag.graph)]
  if (problems.length === 0) return
  throw new InvalidDag(
    `DAG ${dag.id} cannot be used:\n${problems.map((one) => `  ${one}`).join('\n')}`,
  )
}

/** Workflow types of Daybook itself. */
const keptIds = [
  ...['backfill', 'catch_up', 'daybook_backfill', 'daybook_map_page', 'deliver_mail'],
  'start_consumers',
]
const snakeCase = /^[a-z][a-z0-9_]*$/
const withGroups = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/

function checkOptions(dag: Dag): string[] {
  const problems: string[] = []
  if (!snakeCase.test(dag.id)) problems.push(`the id "${dag.id}" is not snake_case`)
  if (keptIds.includes(dag.id)) problems.push(`the id "${dag.id}" is kept for Daybook itself`)
  if (dag.startDate !== undefined && !isCalendarDate(dag.startDate)) {
    problems.push(`startDate "${dag.startDate}" is no day of the calendar; write YYYY-MM-DD`)
  }
  if (!Number.isInteger(dag.maxActiveRuns) || dag.maxActiveRuns < 1) {
    problems.push(`maxActiveRuns is ${dag.maxActiveRuns}; it must be a whole number from 1`)
  }
  const { maxActiveTasks, runTimeoutMs, maxConsecutiveFailedRuns: failed = 1 } = dag.graph
  if (!Number.isInteger(failed) || failed < 1) {
    problems.push(`maxConsecutiveFailedRuns is ${failed}; it must be a whole number from 0`)
  }
  if (maxActiveTasks !== undefined && !(Number.isInteger(maxActiveTasks) && maxActiveTasks >= 1)) {
    problems.push(`maxActiveTasks is ${maxActiveTasks}; it must be a whole number from 1`)
  }
  if (runTimeoutMs !== undefined && !(runTimeoutMs > 0)) {
    problems.push('runTimeout must be longer than nothing')
  }
  if (dag.graph.deadline) problems.push(...checkDeadline(dag.graph.deadline))
  if (dag.allowedRunTypes.length === 0) problems.push('allowedRunTypes is empty: nothing could run')
  if (dag.datasets) problems.push(...checkDatasets(dag, dag.datasets))
  if (dag.schedule) problems.push(...checkSchedule(dag.schedule))
  return [...problems, ...checkUseOfSchedule(dag)]
}

/** Options that contradict whether there is a schedule. */
function checkUseOfSchedule({ schedule, datasets, allowedRunTypes, graph }: Dag): string[] {
  const problems: string[] = []
  if (schedule !== null && !allowedRunTypes.includes('scheduled')) {
    problems.push('it has a schedule, but allowedRunTypes leaves out scheduled runs')
  }
  if (datasets && !allowedRunTypes.includes('dataset_triggered')) {
    problems.push('datasets start it, but allowedRunTypes leaves out dataset_triggered runs')
  }
  if (schedule === null && graph.maxConsecutiveFailedRuns !== undefined) {
    problems.push('maxConsecutiveFailedRuns pauses the schedule, and it has none')
  }
  return problems
}

/** Nobody is there to give params to a run that datasets start. */
function checkDatasets(dag: Dag, condition: DatasetCondition): string[] {
  const unfit = problemOfParams(dag, {})
  return [
    ...problemsOf(condition),
    ...(dag.schedule || isTimeZone(dag.timeZone) ? [] : [noTimeZone(dag.timeZone)]),
    ...(unfit === undefined ? [] : [`datasets start it without params: ${unfit}; give defaults`]),
  ]
}

function noTimeZone(name: string): string {
  return `"${name}" is no time zone; write an IANA name such as Europe/Paris`
}

function checkSchedule(schedule: { cron: string; timeZone: string }): string[] {
  const problems: string[] = []
  try {
    parseDailyCron(schedule.cron)
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error))
  }
  if (!isTimeZone(schedule.timeZone)) {
    problems.push(noTimeZone(schedule.timeZone))
  }
  return problems
}

/** Every mistake in a graph, in words. */
export function checkGraph(graph: Graph): string[] {
  if (graph.tasks.length === 0) return ['it has no tasks']
  const firstOf = new Map(graph.tasks.map((task, index) => [task.id, index] as const).toReversed())
  const namesAndRules = graph.tasks.flatMap((task, index) => [
    ...(firstOf.get(task.id) === index ? [] : [`task ${task.id}: the id is taken`]),
    ...checkTask(graph, task, firstOf),
  ])
  const cycle = findCircle(new Map(graph.tasks.map((task) => [task.id, task.upstream])))
  if (cycle) {
    const way = cycle.toReversed().join(' -> ')
    return [...namesAndRules, `tasks wait for each other in a cycle: ${way}`]
  }
  return [...namesAndRules, ...checkOrder(graph)]
}

function checkTask(graph: Graph, task: TaskNode, known: ReadonlyMap<string, unknown>): string[] {
  const problems: string[] = []
  const say = (problem: string) => problems.push(`task ${task.id}: ${problem}`)
  if (!withGroups.test(task.id)) say('the id is not snake_case')
  if (task.id === 'on_failure') say('the id on_failure is kept for the DAG option onFailure')
  if (task.id === 'on_success') say('the id on_success is kept for the DAG option onSuccess')
  for (const group of groupsOf(task.id)) if (known.has(group)) say(`its group ${group} is a task`)
  for (const id of new Set([
    ...task.upstream,
    ...tasksUsed(task.input),
    ...tasksUsed(task.mapping?.over),
  ])) {
    if (!known.has(id)) say(`it waits for ${id}, which is not a task of this DAG`)
  }
  if (!triggerRules.includes(task.rule)) {
    say(`"${task.rule}" is no trigger rule; there are ${triggerRules.join(', ')}`)
  }
  if (!Number.isInteger(task.retries) || task.retries < 0) {
    say(`retries is ${task.retries}; it must be a whole number from 0`)
  }
  if (!(task.retryBackoff >= 0)) say(`retryBackoff is ${task.retryBackoff}; it must be 0 or more`)
  if (!(task.timeoutMs > 0)) say('its timeout must be longer than nothing')
  problems.push(
    ...(task.outlets ?? []).flatMap(problemsOfName).map((one) => `task ${task.id}: ${one}`),
  )
  if (task.kind === 'branch') problems.push(...checkBranch(graph, task))
  return [...problems, ...checkLimits(graph, task), ...checkTeardown(graph, task)]
}

function checkLimits({ isFailFast }: Graph, task: TaskNode): string[] {
  const { id, pool, rule, mapping, maxActive } = task
  const problems: string[] = []
  if (pool !== undefined && !poolName.test(pool.name)) {
    problems.push(`task ${id}: "${pool.name}" is no name of a pool; use letters, digits, _ . : -`)
  }
  const counts = {
    poolSlots: pool?.slots,
    maxActiveTisPerDagrun: mapping?.maxParallel,
    maxActiveTisPerDag: maxActive?.most,
  }
  if (mapping?.product?.length === 0) {
    problems.push(`task ${id}: it is mapped over no list; name at least one`)
  }
  for (const [option, count] of Object.entries(counts)) {
    if (count !== undefined && !(Number.isInteger(count) && count >= 1)) {
      problems.push(`task ${id}: ${option} is ${count}; it must be a whole number from 1`)
    }
  }
  if (pool?.name === '' || /^(dag|task):/.test(pool?.name ?? '')) {
    const kept = 'those that begin with dag: or task: are limits of DAGs and tasks'
    problems.push(`task ${id}: "${pool?.name}" is no name for a pool; ${kept}`)
  }
  if (isFailFast && rule !== 'all_success' && rule !== 'all_done_setup_success') {
    problems.push(`task ${id}: a DAG that fails fast takes no rule but all_success, not ${rule}`)
  }
  return problems
}

function checkTeardown(graph: Graph, { id, teardown, upstream }: TaskNode): string[] {
  if (teardown === undefined) return []
  const isSetup = (one: string) => graph.tasks.some((task) => task.id === one && task.isSetup)
  const problems = teardown.setups
    .filter((one) => !isSetup(one))
    .map((one) => `teardown ${id}: ${one} is no set-up; define it with setup()`)
  if (teardown.setups.length === 0) problems.push(`teardown ${id}: it has no set-up; name one`)
  if (upstream.length === 0) problems.push(`teardown ${id}: it comes after nothing`)
  return problems
}

function checkBranch(graph: Graph, branch: TaskNode): string[] {
  const downstream = directDownstream(graph, branch.id)
  const missing = branch.choices.filter((choice) => !downstream.includes(choice))
  const unnamed = downstream.filter((id) => !branch.choices.includes(id))
  return [
    ...missing.map(
      (id) =>
        `branch ${branch.id}: it may choose ${id}, which is not directly downstream; write ` +
        `after: [${branch.id}] in ${id}, or take ${id} out of the choices`,
    ),
    ...unnamed.map(
      (id) => `branch ${branch.id}: ${id} comes right after it but is not among its choices`,
    ),
  ]
}

function checkOrder(graph: Graph): string[] {
  const position = new Map(graph.tasks.map((task, index) => [task.id, index]))
  return graph.tasks.flatMap((task, index) =>
    task.upstream
      .filter((id) => (position.get(id) ?? -1) > index)
      .map((id) => `task ${task.id}: it waits for ${id}, so define ${id} before it`),
  )
}
