import type { DatasetEvent } from './datasets.ts'
import type { InputSource, Json, Mapping, TriggerRule } from './graph.ts'

/** Where a recorded reference points to. */
export const source = Symbol('source')
declare const valueType: unique symbol
declare const reliability: unique symbol

/** A value that is known only when a run executes; recorded in the graph, never evaluated. */
export interface Ref<T, Kind extends 'sure' | 'output' = 'sure' | 'output'> {
  readonly [source]: InputSource
  readonly [valueType]?: () => T
  readonly [reliability]?: Kind
}

/** A value every run has: its date, its params. */
export type SureRef<T> = Ref<T, 'sure'> & Fields<T, 'sure'>

/** What an upstream task returned, or a property of it: `orders.output.rowsIn`. */
export type OutputRef<T> = Ref<T, 'output'> & Fields<T, 'output'>

type Fields<T, Kind extends 'sure' | 'output'> = T extends readonly unknown[]
  ? unknown
  : T extends object
    ? { readonly [K in keyof Required<T>]: Ref<T[K], Kind> & Fields<T[K], Kind> }
    : unknown

/**
 * What may stand where an activity takes a T: a literal, the date, a param, an upstream's output; the
 * same for each property. Under every rule but all_success an upstream may have no output, so there
 * its output fits only where the activity takes `undefined`.
 */
export type Wired<T, Rule extends TriggerRule> =
  | Ref<T, 'sure'>
  | (Rule extends 'all_success' ? Ref<T, 'output'> : undefined extends T ? Ref<T, 'output'> : never)
  | (T extends object ? { [K in keyof T]: Wired<T[K], Rule> } : T)

/** References know their properties only by type, hence the overload: any path can be recorded. */
export function makeRef<T>(
  from: InputSource & { path: readonly string[] },
): OutputRef<T> & SureRef<T>
export function makeRef(from: InputSource & { path: readonly string[] }): unknown {
  return new Proxy(
    {},
    {
      get: (_, key) => {
        if (key === source) return from
        return typeof key === 'string' ? makeRef({ ...from, path: [...from.path, key] }) : undefined
      },
      has: (_, key) => key === source,
    },
  )
}

export const dateRef: Ref<string, 'sure'> = { [source]: { from: 'date' } }

export const eventsRef: Ref<readonly DatasetEvent[], 'sure'> = { [source]: { from: 'events' } }

/** The input of a task as data. @throws Error naming the place of a value that is not JSON */
export function recordInput(value: unknown, where = 'input'): InputSource {
  // An activity that takes nothing.
  if (value === undefined) return { from: 'literal', value: null }
  if (isRef(value)) return value[source]
  if (Array.isArray(value)) {
    const items = value.map((item: unknown, index) => recordInput(item, `${where}[${index}]`))
    return { from: 'list', items }
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, field]) => field !== undefined)
    const fields = entries.map(([key, field]): [string, InputSource] => [
      key,
      recordInput(field, `${where}.${key}`),
    ])
    return { from: 'object', fields: Object.fromEntries(fields) }
  }
  return { from: 'literal', value: jsonValue(value, where) }
}

/** The list that a task is mapped over; lists by name as a product, in their order. */
export function recordOver(over: object): Pick<Mapping, 'over' | 'product'> {
  if (isRef(over)) return { over: over[source] }
  const lists = Object.entries(over)
  const items = lists.map(([name, list]) => recordInput(list, `over.${name}`))
  return { over: { from: 'list', items }, product: lists.map(([name]) => name) }
}

function isRef(value: unknown): value is Ref<unknown> {
  return typeof value === 'object' && value !== null && source in value
}

function jsonValue(value: unknown, where: string): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new Error(`${where} is a ${typeof value}, which is not JSON; the graph of a DAG is data`)
}

/** Ids of the tasks whose outputs an input uses, without repetition. */
export function tasksUsed(input: InputSource | undefined): string[] {
  if (input === undefined) return []
  const found = (): string[] => {
    if (input.from === 'output') return [input.task]
    if (input.from === 'object') return Object.values(input.fields).flatMap(tasksUsed)
    if (input.from === 'list') return input.items.flatMap(tasksUsed)
    return []
  }
  return [...new Set(found())]
}
