import type { WorkflowInterceptorsFactory } from '@temporalio/workflow'
import { proxySinks } from '@temporalio/workflow'
import type { Decision } from './decision.ts'
import { decisionOfCommand } from './decision.ts'

/** Bundled with the workflows for a replay: tells what today's code decides, which Temporal does not. */
export const interceptors: WorkflowInterceptorsFactory = () => {
  const { decisions } = proxySinks<{ decisions: { record(made: Decision[]): void } }>()
  return {
    internals: [
      {
        concludeActivation(input, next) {
          decisions.record(input.commands.flatMap((command) => decisionOfCommand(command) ?? []))
          return next(input)
        },
      },
    ],
  }
}
