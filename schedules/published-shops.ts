import { z } from 'zod'
import { resolveInput } from '../dag/resolve-input.ts'
import { allDags } from './schedules.ts'

const shopShape = z.object({
  shopId: z.string(),
  orders: z.string(),
  events: z.string().exactOptional(),
  products: z.string().exactOptional(),
})

/** A shop that a DAG publishes, and the sources that its tables are made from. */
export type PublishedShop = z.infer<typeof shopShape> & { readonly dagId: string }

/** As the `publish` tasks of the DAGs say. */
export function publishedShops(): PublishedShop[] {
  return allDags.flatMap(({ id: dagId, graph }) =>
    graph.tasks
      .filter(({ activity }) => activity === 'publish')
      .map(({ input }) => {
        const values = { date: '', params: {}, outputs: new Map() }
        return { dagId, ...shopShape.parse(resolveInput(input, values)) }
      }),
  )
}
