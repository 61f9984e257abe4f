import { setTimeout as sleep } from 'node:timers/promises'
import type { Say } from './cannot-start.ts'
import { CannotStart, explainFileError } from './cannot-start.ts'
import { endProcess, identifyProcess, isStillRunning } from './process-identity.ts'
import { postgresSignals, temporalSignals } from './server-signals.ts'
import type { EmbeddedState } from './state-file.ts'
import { claimState, readState, removeStaleState } from './state-file.ts'

const otherStartLimitMs = 90_000
const patienceMs = 20_000

type Claim = { owner: 'us'; state: EmbeddedState } | { owner: 'another'; state: EmbeddedState }

/**
 * Makes this process the owner of the home folder, or finds the living owner, waiting while that
 * is still starting. What a killed owner left running is ended first.
 */
export async function claimHome(homeDir: string, log: Say): Promise<Claim> {
  const deadline = Date.now() + otherStartLimitMs
  for (;;) {
    const state = await claimOnce(homeDir)
    if (state !== undefined) return { owner: 'us', state }
    const found = await readState(homeDir)
    if (found === undefined || !(await isStillRunning(found.owner))) {
      if (found !== undefined) await endLeftovers(found, log)
      await removeStaleState(homeDir, found)
      continue
    }
    if (found.isReady) return { owner: 'another', state: found }
    if (Date.now() > deadline) throw refusal(homeDir, found)
    await sleep(200)
  }
}

async function claimOnce(homeDir: string): Promise<EmbeddedState | undefined> {
  const owner = await identifyProcess(process.pid)
  const state = { owner, startedAt: new Date().toISOString(), isReady: false }
  try {
    return (await claimState(homeDir, state)) ? state : undefined
  } catch (error) {
    throw explainFileError(error, homeDir)
  }
}

async function endLeftovers(state: EmbeddedState, log: Say): Promise<void> {
  const { postgres, temporal } = state
  const left = [
    { server: postgres, signals: postgresSignals },
    { server: temporal, signals: temporalSignals },
  ]
  for (const { server, signals } of left) {
    if (server === undefined || !(await isStillRunning(server))) continue
    log(`Ending a server that an earlier start left running (process ${server.pid})`)
    await endProcess(server, signals, patienceMs)
  }
}

function refusal(homeDir: string, state: EmbeddedState): CannotStart {
  return new CannotStart(
    `${homeDir} is in use by process ${state.owner.pid}, which has been starting since ${state.startedAt}`,
    `wait for it, or end it with: kill ${state.owner.pid}`,
  )
}
