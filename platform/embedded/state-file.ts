import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { ProcessIdentity } from './process-identity.ts'

/** What runs for a home folder, and who started it. Also the lock: one owner at a time. */
export const EmbeddedState = z.object({
  owner: ProcessIdentity,
  startedAt: z.iso.datetime(),
  isReady: z.boolean(),
  postgres: ProcessIdentity.extend({ port: z.int() }).optional(),
  temporal: ProcessIdentity.extend({ port: z.int(), uiPort: z.int() }).optional(),
})
export type EmbeddedState = z.infer<typeof EmbeddedState>

function stateFile(homeDir: string): string {
  return join(homeDir, 'embedded.json')
}

/** The state, undefined if there is none. A damaged file counts as none: it describes nothing. */
export function readState(homeDir: string): Promise<EmbeddedState | undefined> {
  return readStateIn(stateFile(homeDir))
}

async function readStateIn(file: string): Promise<EmbeddedState | undefined> {
  try {
    return EmbeddedState.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return undefined
  }
}

/** Writes the first state of an owner; false if another owner's file is there. */
export async function claimState(homeDir: string, state: EmbeddedState): Promise<boolean> {
  await mkdir(homeDir, { recursive: true })
  const staged = `${stateFile(homeDir)}.${process.pid}`
  await writeFile(staged, serialize(state))
  try {
    return await linkUnlessPresent(staged, stateFile(homeDir))
  } finally {
    await rm(staged, { force: true })
  }
}

/** Unlike a write, a link shows the others either no file or a whole one. */
async function linkUnlessPresent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

/** Takes away the file of a dead owner, but not one that a third process has just put there. */
export async function removeStaleState(
  homeDir: string,
  stale: EmbeddedState | undefined,
): Promise<void> {
  const aside = `${stateFile(homeDir)}.stale-${process.pid}`
  try {
    await rename(stateFile(homeDir), aside)
  } catch {
    return
  }
  // Not by the text: the two servers are written in the order in which they came up.
  const isStale = isDeepStrictEqual(await readStateIn(aside), stale)
  if (!isStale) await linkUnlessPresent(aside, stateFile(homeDir))
  await rm(aside, { force: true })
}

export async function replaceState(homeDir: string, state: EmbeddedState): Promise<void> {
  const staged = `${stateFile(homeDir)}.new`
  await writeFile(staged, serialize(state))
  await rename(staged, stateFile(homeDir))
}

export async function removeState(homeDir: string): Promise<void> {
  await rm(stateFile(homeDir), { force: true })
}

function serialize(state: EmbeddedState): string {
  return `${JSON.stringify(state, null, 2)}\n`
}
