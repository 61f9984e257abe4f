import { ecommerceDaily } from '../../workflows/ecommerce-daily.ts'

export interface NoopInput {
  date: string
  /** What an upstream task returned, so that data flows along the edges. */
  from?: number
}

/** Does nothing, and says so in the words of a task. */
async function noop({ from = 0 }: NoopInput): Promise<{ rowsOut: number }> {
  return { rowsOut: from + 1 }
}

export type BenchActivities = { noop: typeof noop }

/** `noop`, also under the name of every activity of the daily DAG; its branches book a catalogue and hold no day. */
export function createBenchActivities(): object {
  const names = ecommerceDaily.graph.tasks.map((task) => task.activity)
  return {
    ...Object.fromEntries(names.map((name) => [name, noop])),
    noop,
    chooseProducts: async () => ['extract_products'],
    holdDay: async () => [],
  }
}
