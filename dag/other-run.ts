import type { IfDone, TriggerRule } from './graph.ts'
import type { Wired } from './reference.ts'

export interface RunDagOptions<Given, Rule extends TriggerRule> {
  readonly params?: Wired<Given, Rule>
  /** What becomes of the task where that run has succeeded before; by default it runs again. */
  readonly ifDone?: IfDone
}

/** How the run of another DAG has ended. */
export interface RunDagOutput {
  runKey: string
  summary: string
}
