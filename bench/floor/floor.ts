import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom } from 'pg-copy-streams'
import type { Database, Transaction } from '../../platform/database.ts'
import { CsvLines, JsonElements } from './cut-records.ts'

/** A statement of the floor, or a file that was copied: its place, and how long it took. */
export interface FloorStep {
  readonly lane: 'orders' | 'events'
  /** `<file>` for a statement of `<file>.sql`, `copy_<source>` for a file of the day. */
  readonly name: string
  readonly ms: number
}

/** What a person who knows the machine would set for the evening. */
const session = `
  set work_mem = '512MB'; set maintenance_work_mem = '512MB'; set hash_mem_multiplier = 2;
  set max_parallel_workers_per_gather = 1; set max_parallel_maintenance_workers = 1`

/** Each line of these formats is one field: JSON that is valid has no such bytes. */
const jsonLines = `(format csv, delimiter e'\\x02', quote e'\\x01', on_error ignore, log_verbosity silent)`
const csvLines = '(format csv, header match)'
const chunkBytes = 2 ** 20

const files = {
  orders: (day: string) => `orders/${day}/orders.json`,
  events: (day: string) => `events/${day}/events.csv`,
  products: (day: string) => `products/products_${day}.json`,
}

/** Makes the empty warehouse in the schema `floor`, in the place of what stood there. */
export async function prepareFloor(database: Database, day: string): Promise<void> {
  await database.query('drop schema if exists floor cascade')
  for (const statement of await statementsOf('warehouse', day)) await database.query(statement)
}

/**
 * Books a Monday of the sample shop into the schema `floor` by SQL written by hand, on two connections.
 * `day` is its delivery date, `YYYY-MM-DD`.
 * @throws Error when a check fails; database errors pass through
 */
export async function runFloor(
  database: Database,
  landingDir: string,
  day: string,
): Promise<FloorStep[]> {
  const steps: FloorStep[] = []
  const orders = new Lane('orders', await database.connect(), day, steps)
  const events = new Lane('events', await database.connect(), day, steps)
  const copy = (lane: Lane, source: keyof typeof files) =>
    lane.copy(source, join(landingDir, files[source](day)))
  try {
    await Promise.all([orders.begin(), events.begin()])
    await orders.run('raw')
    await Promise.all([
      (async () => {
        await copy(orders, 'orders')
        await orders.run('stage_orders', 'check_orders', 'dim_user')
        await copy(orders, 'products')
        await orders.run('stage_products')
      })(),
      (async () => {
        await copy(events, 'events')
        await events.run('stage_events', 'check_events')
      })(),
    ])
    await Promise.all([orders.run('dim_user_of_both'), events.run('dim_product')])
    await Promise.all([
      orders.run('fact_orders', 'metrics_orders', 'metrics_volume', 'keys_of_dims'),
      events.run('fact_events', 'metrics_events'),
    ])
    return steps
  } finally {
    orders.end()
    events.end()
  }
}

class Lane {
  readonly #name: FloorStep['lane']
  readonly #client: Transaction
  readonly #day: string
  readonly #steps: FloorStep[]

  constructor(name: FloorStep['lane'], client: Transaction, day: string, steps: FloorStep[]) {
    this.#name = name
    this.#client = client
    this.#day = day
    this.#steps = steps
  }

  async begin(): Promise<void> {
    await this.#client.query(session)
  }

  /** The connection is not used again: it keeps its settings. */
  end(): void {
    this.#client.release(true)
  }

  /** Runs the statements of these files of SQL, one after the other. */
  async run(...names: string[]): Promise<void> {
    for (const name of names) {
      for (const statement of await statementsOf(name, this.#day)) {
        await this.#time(name, async () => {
          const { rows } = await this.#client.query<Record<string, unknown>>(statement)
          for (const [check, isPassed] of Object.entries(rows[0] ?? {})) {
            if (isPassed === false) throw new Error(`${name}: ${check} does not hold`)
          }
        })
      }
    }
  }

  async copy(source: keyof typeof files, path: string): Promise<void> {
    await this.#time(`copy_${source}`, async () => {
      const cutter = source === 'events' ? new CsvLines() : new JsonElements()
      const format = source === 'events' ? csvLines : jsonLines
      const stream = copyFrom(`copy floor.raw_${source} from stdin ${format}`)
      const cut = async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) yield cutter.push(chunk)
        yield cutter.end()
      }
      const file = createReadStream(path, { highWaterMark: chunkBytes })
      await pipeline(file, cut, this.#client.query(stream))
      await this.#note(source, cutter.cut.records, stream.rowCount, cutter.cut.rejected)
    })
  }

  async #note(
    source: string,
    records: number,
    copied: number,
    rejected: Readonly<Record<string, number>>,
  ): Promise<void> {
    await this.#client.query('insert into floor.loads values ($1, $2, $3)', [
      ...[source, records, records - copied],
    ])
    await this.#client.query(
      `insert into floor.broken_rules select $1, rule, records::bigint
       from json_each_text($2) as rejected (rule, records)`,
      [source, JSON.stringify(rejected)],
    )
  }

  async #time(name: string, work: () => Promise<void>): Promise<void> {
    const startedMs = performance.now()
    await work()
    this.#steps.push({ lane: this.#name, name, ms: performance.now() - startedMs })
  }
}

/** The statements of a file, which an empty line parts, for a day; psql takes it with `-v day=…`. */
async function statementsOf(name: string, day: string): Promise<string[]> {
  const text = await readFile(join(import.meta.dirname, `${name}.sql`), 'utf8')
  return text.replaceAll(":'day'", `'${day}'`).split(/(?<=;)\n\n/)
}
