import { Context } from '@temporalio/activity'
import type { Database } from '../../platform/database.ts'

/** A statement, and how long its answer took, as its connection saw it. */
export interface StatementTime {
  readonly sql: string
  /** The task that gave it, where an activity did. */
  readonly task: string | undefined
  readonly ms: number
}

/** Notes every statement that the pool's connections are given from now on; `take` hands them over. */
export function noteStatements(database: Database): { take(): StatementTime[] } {
  let noted: StatementTime[] = []
  const watched = new WeakSet<object>()
  database.on('acquire', (client) => {
    if (watched.has(client)) return
    watched.add(client)
    const query: unknown = Reflect.get(client, 'query')
    if (typeof query !== 'function') throw new Error('A connection without query')
    Reflect.set(client, 'query', (...args: unknown[]): unknown => {
      const statement = { sql: textOf(args[0]), task: currentTask() }
      const startedMs = performance.now()
      const note = () => noted.push({ ...statement, ms: performance.now() - startedMs })
      const callback = args.at(-1)
      if (typeof callback === 'function') {
        const noting = (...results: unknown[]): unknown => {
          note()
          return Reflect.apply(callback, undefined, results) as unknown
        }
        return Reflect.apply(query, client, [...args.slice(0, -1), noting]) as unknown
      }
      const answer: unknown = Reflect.apply(query, client, args)
      if (answer instanceof Promise) answer.then(note, note)
      return answer
    })
  })
  return {
    take() {
      const taken = noted
      noted = []
      return taken
    },
  }
}

function currentTask(): string | undefined {
  try {
    return Context.current().info.activityId
  } catch {
    return undefined
  }
}

function textOf(query: unknown): string {
  if (typeof query === 'string') return query
  if (typeof query !== 'object' || query === null) return ''
  return String(Reflect.get(query, 'text') ?? '')
}
