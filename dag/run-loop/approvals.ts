import { condition } from '@temporalio/workflow'
import { z } from 'zod'
import { endOfDecision, endOfWait } from '../end-of-wait.ts'
import type { TaskNode } from '../graph.ts'
import type { TaskEnd } from '../reducer.ts'

/** What a person decided about a task that waits for approval. */
export const Decision = z.strictObject({
  task: z.string(),
  decision: z.enum(['approve', 'reject']),
  by: z.string().trim().min(1),
  reason: z.string().default(''),
})
export type Decision = z.infer<typeof Decision>

export interface Approvals {
  /** Until a person has decided, or time is up. A rejection lets nothing through, or fails it. */
  wait(task: TaskNode): Promise<TaskEnd>
  decide(decision: Decision): void
  isAwaited(taskId: string): boolean
}

export function createApprovals(outputs: Map<string, unknown>): Approvals {
  const awaited = new Map<string, Decision | undefined>()
  return {
    async wait(task) {
      awaited.set(task.id, undefined)
      try {
        const isDecided = () => awaited.get(task.id) !== undefined
        if (task.wait === undefined) await condition(isDecided)
        else if (!(await condition(isDecided, task.wait.timeoutMs))) {
          return endOfWait(task, 'nobody decided')
        }
        const decision = awaited.get(task.id)
        if (decision === undefined) throw new Error(`${task.id} ended without a decision`)
        outputs.set(task.id, decision)
        return endOfDecision(task, decision)
      } finally {
        awaited.delete(task.id)
      }
    },
    decide: (decision) => awaited.set(decision.task, decision),
    isAwaited: (taskId) => awaited.has(taskId) && awaited.get(taskId) === undefined,
  }
}
