import { readdir, readFile, readlink } from 'node:fs/promises'
import type { Database } from '../platform/database.ts'

/** What nobody needs once every day of the week has succeeded and no run goes on, by what it is called. */
const leftovers: Readonly<Record<string, string>> = {
  'lock held': `select mode || ' of ' || coalesce(relation::regclass::text, locktype) as what
    from pg_locks join pg_stat_activity using (pid)
    where backend_type = 'client backend' and pid <> pg_backend_pid() and datname = current_database()`,
  'idle transaction': `select query as what from pg_stat_activity
    where state like 'idle in transaction%' and datname = current_database()`,
  'prepared transaction': 'select gid as what from pg_prepared_xacts',
  'temporary table': `select oid::regclass::text as what from pg_class
    where relpersistence = 't' and relkind = 'r'`,
  'candidate table': `select schemaname || '.' || tablename as what from pg_tables
    where schemaname = 'staging' and tablename ~ '_candidate_\\d{8}$'`,
  'build schema': `select nspname as what from pg_namespace where nspname like 'next\\_%'`,
  'slot request': `select workflow_id || ' ' || task_id || ' of ' || pool as what
    from audit.slot_requests`,
  'unfinished run': `select run_key || ' ' || state as what from audit.pipeline_runs
    where state in ('queued', 'running')`,
  'unfinished attempt': `select run_key || ' ' || task_id || ' ' || attempt as what
    from audit.task_runs where state = 'running'`,
  'unfinished backfill': `select workflow_id as what from audit.backfills where ended_at is null`,
}

/** What must happen once, by what it is called when it has happened twice. */
const doubles: Readonly<Record<string, string>> = {
  'day published twice by one run': `select run_id || ' ' || logical_date as what
    from audit.publications group by run_id, shop_id, logical_date having count(*) > 1`,
  'two runs of a day at once': `select one.run_id || ' and ' || other.run_id as what
    from audit.pipeline_runs as one join audit.pipeline_runs as other using (run_key)
    where one.run_id < other.run_id and 'cancelled' not in (one.state, other.state)
      and (one.started_at, one.ended_at) overlaps (other.started_at, other.ended_at)`,
}

/** `<kind>: <name>` of everything left over. */
export function findLeftovers(database: Pick<Database, 'query'>): Promise<string[]> {
  return findAll(database, leftovers)
}

/** `<kind>: <name>` of everything that happened twice. */
export function findDoubles(database: Pick<Database, 'query'>): Promise<string[]> {
  return findAll(database, doubles)
}

async function findAll(
  database: Pick<Database, 'query'>,
  kinds: Readonly<Record<string, string>>,
): Promise<string[]> {
  const found: string[] = []
  for (const [kind, sql] of Object.entries(kinds)) {
    const { rows } = await database.query<{ what: string }>(sql)
    found.push(...rows.map(({ what }) => `${kind}: ${what}`))
  }
  return found
}

/**
 * Processes that work in the folder or name it in their command or environment, other than this one,
 * as `<pid> <command>`. Where there is no /proc nothing can be said, and nothing is.
 */
export async function findProcessesOf(folder: string): Promise<string[]> {
  const names = await readdir('/proc').catch((): string[] => [])
  const pids = names.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const found = await Promise.all(pids.map((pid) => commandIfOf(pid, folder)))
  return found.filter((command) => command !== undefined)
}

async function commandIfOf(pid: string, folder: string): Promise<string | undefined> {
  const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')
  const workingDir = await readlink(`/proc/${pid}/cwd`).catch(() => '')
  const command = await read('cmdline')
  const isOf = [command, workingDir, await read('environ')].some((text) => text.includes(folder))
  // A zombie has neither command nor folder: it only waits to be counted by its parent.
  return isOf ? `${pid} ${command.replaceAll('\0', ' ').trim()}` : undefined
}
