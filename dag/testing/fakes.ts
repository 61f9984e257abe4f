import { z } from 'zod'
import type { Duration } from '../duration.ts'
import { toMs } from '../duration.ts'

export interface FakeAttempt {
  /** 1, 2, …; of a sensor, the number of the look. Begins anew when the task was cleared. */
  readonly attempt: number
  /** How often the task was cleared in this run. */
  readonly cleared: number
  readonly date: string
}

/** As a method, so that a fake may say what its input is: it is what the DAG wires, by type. */
interface Faking {
  fake(input: unknown, attempt: FakeAttempt): Fake | Promise<Fake>
}
export type FakeFunction = Faking['fake']

/**
 * What a task returns in a test: a value, `after`, `fails` or `skips`, or a function that returns any
 * of these, or throws.
 */
export type Fake = FakeFunction | LateFake | object | string | number | boolean | null | undefined

const delayMs = Symbol('delayMs')

export interface LateFake {
  readonly [delayMs]: number
  readonly fake: Fake
}

/** Takes so long on the virtual clock: `after('2 hours', { rows: 3 })`. */
export function after(duration: Duration, fake?: Fake): LateFake {
  return { [delayMs]: toMs(duration), fake }
}

export interface FailureOptions {
  readonly type?: string
  readonly nonRetryable?: boolean
}

/** A fake that fails every time; it is tried again as often as the task is, unless `nonRetryable`. */
export function fails(message: string, options: FailureOptions = {}): FakeFunction {
  return () => {
    throw Object.assign(new Error(message), options)
  }
}

/** A fake of an activity that finds nothing to do: its task is skipped. */
export function skips(reason: string): FakeFunction {
  return fails(reason, { type: 'TaskSkipped', nonRetryable: true })
}

/** What a thrown error means to the run. */
export interface FakeFailure {
  readonly type: string | undefined
  readonly message: string
  readonly isFinal: boolean
  /** Instead of the task's own delay. */
  readonly nextDelayMs: number | undefined
}

export type Performed =
  | { readonly tookMs: number; readonly output: unknown }
  | { readonly tookMs: number; readonly failure: FakeFailure }

export async function performFake(
  fake: Fake,
  input: unknown,
  attempt: FakeAttempt,
): Promise<Performed> {
  try {
    if (isFunction(fake)) return performFake(await fake(input, attempt), input, attempt)
    if (!isLate(fake)) return { tookMs: 0, output: asPayload(fake) }
    const performed = await performFake(fake.fake, input, attempt)
    return { ...performed, tookMs: fake[delayMs] + performed.tookMs }
  } catch (error) {
    return { tookMs: 0, failure: failureOf(error) }
  }
}

function isFunction(fake: Fake): fake is FakeFunction {
  return typeof fake === 'function'
}

function isLate(value: unknown): value is LateFake {
  return typeof value === 'object' && value !== null && delayMs in value
}

/** As it comes out at the other side of Temporal: a Date as text, nothing where there was `undefined`. */
export function asPayload(value: unknown): unknown {
  const text: string | undefined = JSON.stringify(value)
  return text === undefined ? undefined : JSON.parse(text)
}

/** What Temporal's ApplicationFailure says, without its package. */
const Thrown = z.object({
  name: z.string().catch('Error'),
  message: z.string().catch(''),
  type: z.string().optional().catch(undefined),
  nonRetryable: z.boolean().catch(false),
  nextRetryDelay: z.number().optional().catch(undefined),
})

function failureOf(error: unknown): FakeFailure {
  const { data } = Thrown.safeParse(error)
  if (data === undefined) {
    return { type: undefined, message: String(error), isFinal: false, nextDelayMs: undefined }
  }
  const { name, message, type, nonRetryable, nextRetryDelay } = data
  const isNamed = name !== 'Error' && name !== 'ApplicationFailure'
  return {
    type: type ?? (isNamed ? name : undefined),
    message,
    isFinal: nonRetryable,
    nextDelayMs: nextRetryDelay,
  }
}

/** `ChecksFailed: …`, as the run keeps it. */
export function failureInWords({ type, message }: FakeFailure): string {
  return type === undefined || type === 'Error' ? message : `${type}: ${message}`
}
