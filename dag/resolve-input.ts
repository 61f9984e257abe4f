import type { DatasetEvent } from './datasets.ts'
import type { InputSource } from './graph.ts'

/** What a run knows when a task starts. */
export interface RunValues {
  readonly date: string
  readonly params: unknown
  /** Of a run that datasets can start: those that it consumes. */
  readonly events?: readonly DatasetEvent[] | undefined
  /** Outputs of the tasks that succeeded, by task id. */
  readonly outputs: ReadonlyMap<string, unknown>
  /** Of an instance of a mapped task. */
  readonly item?: unknown
}

/** The input of a task as its activity gets it; what an absent upstream would have given is left out. */
export function resolveInput(source: InputSource, values: RunValues): unknown {
  switch (source.from) {
    case 'literal':
      return source.value
    case 'date':
      return values.date
    case 'events':
      return values.events ?? []
    case 'params':
      return valueAt(values.params, source.path)
    case 'output':
      return valueAt(values.outputs.get(source.task), source.path)
    case 'item':
      return valueAt(values.item, source.path)
    case 'list':
      return source.items.map((item) => resolveInput(item, values))
    case 'object': {
      const entries = Object.entries(source.fields)
      return Object.fromEntries(entries.map(([key, field]) => [key, resolveInput(field, values)]))
    }
  }
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((current, key) => {
    if (typeof current !== 'object' || current === null) return undefined
    return Object.entries(current).find(([name]) => name === key)?.[1]
  }, value)
}
