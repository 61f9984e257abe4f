import { randomUUID } from 'node:crypto'
import { MockActivityEnvironment } from '@temporalio/testing'
import type { Activities } from '../../activities/index.ts'
import type { TaskNode } from '../../dag/graph.ts'
import { resolveInput } from '../../dag/resolve-input.ts'
import { openFence } from '../../platform/attempt.ts'
import type { Database } from '../../platform/database.ts'
import { ecommerceDaily } from '../../workflows/ecommerce-daily.ts'

export interface TaskTime {
  readonly task: string
  readonly activity: string
  readonly output: unknown
  readonly ms: number
}

/** Runs the tasks of a day of ecommerce_daily one after the other, with their fences, without Temporal. */
export async function runDay(
  database: Database,
  activities: Activities,
  date: string,
): Promise<TaskTime[]> {
  const runId = randomUUID()
  const workflowId = `${ecommerceDaily.id}/${date}`
  const outputs = new Map<string, unknown>()
  const skipped = new Set<string>()
  const times: TaskTime[] = []
  for (const node of ecommerceDaily.graph.tasks) {
    if (isSkipped(node, skipped)) skipped.add(node.id)
    if (skipped.has(node.id) || node.activity === null) continue
    const input = resolveInput(node.input, { date, params: {}, outputs })
    const environment = new MockActivityEnvironment({
      ...{ activityId: node.id, attempt: 1, workflowExecution: { workflowId, runId } },
    })
    const work = activityNamed(activities, node.activity)
    const startedMs = performance.now()
    await openFence(database, { runKey: workflowId, runId, taskId: node.id, attempt: 1 })
    const output = await environment.run(() => work(input))
    const ms = performance.now() - startedMs
    times.push({ task: node.id, activity: node.activity, output, ms })
    outputs.set(node.id, output)
    for (const choice of node.choices) {
      if (Array.isArray(output) && !output.includes(choice)) skipped.add(choice)
    }
  }
  return times
}

function isSkipped(node: TaskNode, skipped: ReadonlySet<string>): boolean {
  return node.rule === 'all_success' && node.upstream.some((id) => skipped.has(id))
}

function activityNamed(activities: Activities, name: string): (input: unknown) => Promise<unknown> {
  const found: unknown = Reflect.get(activities, name)
  if (typeof found !== 'function') throw new Error(`There is no activity ${name}`)
  return async (input) => Reflect.apply(found, undefined, [input]) as unknown
}
