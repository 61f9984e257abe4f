import type { LocalActivityOptions } from '@temporalio/workflow'

/**
 * Of activities that write down what a run does. They are tried until they succeed, as a database that is
 * away comes back; what they wait between tries is what a run waits after that, at most.
 */
export const localOptions: LocalActivityOptions = {
  startToCloseTimeout: '30 seconds',
  retry: { maximumInterval: '5 seconds' },
}
