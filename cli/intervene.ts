import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { Option } from 'commander'
import { InterventionRefused, liveOrEnded, updateRun } from '../schedules/intervene.ts'
import { dagOption, jsonOption } from './arguments.ts'
import type { Connections } from './connect.ts'
import { withServers } from './connect.ts'
import { UsageError } from './exit-codes.ts'
import { printJson, printLine } from './print.ts'
import type { RecordedRun } from './recorded-run.ts'
import { requireRun } from './recorded-run.ts'

export const runArgument = 'a run key (ecommerce_daily/2025-12-13), a date or a run id'

/** The run of a day, whichever of its executions is meant. */
export type RunOfDay = Pick<RecordedRun, 'run_key' | 'dag_id' | 'logical_date'>

export interface Signed {
  by?: string
  reason: string
}

/** The options of every command that does something to a run. */
export function withRunOptions(command: Command): Command {
  return command
    .addOption(new Option('--reason <text>', 'why: it is kept with the run').default(''))
    .addOption(new Option('--by <name>', 'who does it (default: the user of this machine)'))
    .addOption(dagOption())
    .addOption(jsonOption())
}

/** Who did it and why, as it is kept. */
export function signatureOf({ by, reason }: Signed): { by: string; reason: string } {
  const name = (by ?? nameOfUser()).trim()
  if (name === '') throw new UsageError('error: it must be known who does it: --by NAME')
  return { by: name, reason }
}

function nameOfUser(): string {
  try {
    return userInfo().username
  } catch {
    // In a container the user may have no name.
    return ''
  }
}

/** What makes no sense for the run is bad usage of the command. */
export async function withRefusals<T>(work: (to: Connections) => Promise<T>): Promise<T> {
  try {
    return await withServers(work)
  } catch (error) {
    if (error instanceof InterventionRefused) throw new UsageError(`error: ${error.message}`)
    throw error
  }
}

interface Question {
  run: string
  flags: Signed & { dag: string; json?: true }
  name: 'pause' | 'resume' | 'decide'
  /** Besides the signature. */
  input: object
  /** What can only be done to a run that goes on. */
  verb: string
  done: string
}

/** Does something to a run that goes on. */
export async function interveneLive(asked: Question): Promise<void> {
  const { flags, name, verb } = asked
  const signature = signatureOf(flags)
  await withRefusals(async (to) => {
    const { run_key, state } = await requireRun(to.database, asked.run, flags.dag)
    await liveOrEnded(to.client, run_key, {
      live: (run) => updateRun<undefined>(run, name, { ...asked.input, ...signature }),
      ended() {
        const how = state === 'running' ? '' : ` (${state})`
        const why = `${run_key} has ended${how}: only a run that goes on can be ${verb}`
        throw new InterventionRefused(why)
      },
    })
    if (flags.json) printJson({ run_key, ...asked.input, action: name, ...signature })
    else printLine(`${run_key}: ${asked.done} by ${signature.by}`)
  })
}
