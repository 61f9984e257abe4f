import { z } from 'zod'
import {
  dateForScheduledTime,
  hasEnded,
  isCalendarDate,
  isDoubledTick,
  lastCompleteDate,
} from './calendar.ts'
import { parseDailyCron } from './cron.ts'
import type { Dag } from './define-dag.ts'
import { BackfillOfRun, inWords } from './plan-backfill.ts'
import { ClearRequest } from './plan-clear.ts'
import { refusalOf, runTypeOf } from './run-type.ts'

/** How an execution was started, as far as the workflow can see. */
export interface Door {
  readonly workflowId: string
  readonly inputs: readonly unknown[]
  /** Nominal time, when a schedule started it. */
  readonly scheduledMs: number | undefined
  /** What started it, when it says so. */
  readonly trigger: string | undefined
  readonly nowMs: number
}

/** The backfill that makes a run. */
export interface BackfillOfDay extends BackfillOfRun {
  /** Why the run cannot do without the params of a run before. */
  readonly unfit?: string
}

/** The run that a door leads to, or why it leads nowhere. */
export type ResolvedRun =
  | {
      readonly isValid: true
      readonly date: string
      readonly runKey: string
      /** Whether this execution is the run itself; any other starts or joins it. */
      readonly isCanonical: boolean
      /** The second tick of a day, in the hour that comes twice: a run that has ended stays as it is. */
      readonly isDouble: boolean
      readonly trigger: string
      readonly params: unknown
      /** Asked for by the first run of a backfill, which has no past to depend on. */
      readonly ignoresPast: boolean
      /** When the run goes on from an ended one. */
      readonly clear: ClearRequest | null
      /** The one that makes it. */
      readonly backfill: BackfillOfDay | null
    }
  | { readonly isValid: false; readonly problem: string }

export function runKeyOf(dagId: string, date: string): string {
  return `${dagId}/${date}`
}

/** What a run key is made of; undefined for a workflow id that is none. */
export function readRunKey(workflowId: string): { dagId: string; date: string } | undefined {
  const [, dagId, date] = /^([a-z][a-z0-9_]*)\/(\d{4}-\d{2}-\d{2})$/.exec(workflowId) ?? []
  return dagId === undefined || date === undefined ? undefined : { dagId, date }
}

/** Which run of a DAG is meant. Pure: what it answers is recorded before anything depends on it. */
export function resolveRun(dag: Dag, door: Door): ResolvedRun {
  const refuse = (problem: string): ResolvedRun => ({
    isValid: false,
    problem: withRemedy(dag, problem),
  })
  const input = readInput(door.inputs)
  if ('problem' in input) return refuse(input.problem)
  const named = dateInId(dag, door.workflowId)
  if ('problem' in named) return refuse(named.problem)
  const date = input.date ?? named.date ?? defaultDate(dag, door)
  const problem = checkDate(dag, date, door.nowMs)
  if (problem) return refuse(problem)
  if (named.date !== undefined && named.date !== date) {
    return refuse(`the workflow id is ${door.workflowId}, but the input asks for ${date}`)
  }
  const params = paramsOf(dag, input)
  if ('problem' in params) return refuse(params.problem)
  const trigger = door.trigger ?? (door.scheduledMs === undefined ? 'manual' : 'schedule')
  // A clear goes on with a run that was allowed.
  const refusal = input.clear === undefined ? refusalOf(dag, runTypeOf(trigger)) : undefined
  if (refusal !== undefined) return { isValid: false, problem: refusal }
  return {
    isValid: true,
    date,
    runKey: runKeyOf(dag.id, date),
    isCanonical: named.date !== undefined,
    isDouble: isDouble(dag, door),
    trigger,
    params: params.value,
    ignoresPast: input.ignore_depends_on_past ?? false,
    clear: input.clear ?? null,
    backfill: input.backfill ? { ...input.backfill, ...params.kept } : null,
  }
}

type Params = { value: unknown; kept?: { unfit: string } } | { problem: string }

/** A clear or a day of a backfill that gives none has those of the run before, which its DAG took. */
function paramsOf(dag: Dag, { params, clear, backfill }: RunInput): Params {
  const given = params ?? {}
  if (clear?.params === 'recorded') return { value: given }
  const read = readParams(dag, given)
  if (read.success) return { value: read.data }
  const isKept = backfill?.params === 'recorded' && params === undefined
  const problem = unfit(read.error)
  return isKept ? { value: given, kept: { unfit: problem } } : { problem }
}

function readParams(dag: Dag, params: unknown) {
  return (dag.params ?? z.strictObject({})).safeParse(params)
}

function unfit(error: z.ZodError): string {
  return `the params do not fit: ${inWords(error)}`
}

/** Why a run of the DAG cannot have these params, in words; undefined if it can. */
export function problemOfParams(dag: Dag, params: unknown): string | undefined {
  const read = readParams(dag, params)
  return read.success ? undefined : unfit(read.error)
}

function withRemedy(dag: Dag, problem: string): string {
  return (
    `${dag.id} cannot start: ${problem}. Give it a day that has ended, as {"date":"2025-12-13"} or ` +
    `"2025-12-13", or no input for the last complete day (${dag.timeZone}).`
  )
}

/** What a run can be started with besides nothing or a date; all of it is optional. */
export const RunInput = z.strictObject({
  date: z.string().optional(),
  params: z.unknown().optional(),
  ignore_depends_on_past: z.boolean().optional(),
  clear: ClearRequest.optional(),
  backfill: BackfillOfRun.optional(),
})
export type RunInput = z.infer<typeof RunInput>

function readInput(inputs: readonly unknown[]): RunInput | { problem: string } {
  if (inputs.length > 1) return { problem: `it takes one input, and got ${inputs.length}` }
  const [input] = inputs
  if (input === undefined || input === null) return {}
  if (typeof input === 'string') return { date: input }
  if (typeof input !== 'object' || Array.isArray(input)) {
    return { problem: `the input is ${JSON.stringify(input)}, which names no date` }
  }
  const parsed = RunInput.safeParse(input)
  return parsed.success
    ? parsed.data
    : { problem: `the input does not fit: ${inWords(parsed.error)}` }
}

function dateInId(dag: Dag, workflowId: string): { date?: string } | { problem: string } {
  const named = readRunKey(workflowId)
  if (named === undefined) return {}
  if (named.dagId === dag.id) return { date: named.date }
  return { problem: `the workflow id ${workflowId} is kept for a run of ${named.dagId}` }
}

function defaultDate(dag: Dag, door: Door): string {
  if (door.scheduledMs === undefined) return lastCompleteDate(door.nowMs, dag.timeZone)
  return dateForScheduledTime(door.scheduledMs, dag.timeZone)
}

function isDouble({ schedule, timeZone }: Dag, { scheduledMs }: Door): boolean {
  if (schedule === null || scheduledMs === undefined) return false
  return isDoubledTick(scheduledMs, parseDailyCron(schedule.cron), timeZone)
}

function checkDate(dag: Dag, date: string, nowMs: number): string | undefined {
  if (!isCalendarDate(date)) return `"${date}" is no day of the calendar (YYYY-MM-DD)`
  if (hasEnded(date, nowMs, dag.timeZone)) return undefined
  return `${date} has not ended yet in ${dag.timeZone}; the last complete day is ${lastCompleteDate(nowMs, dag.timeZone)}`
}
