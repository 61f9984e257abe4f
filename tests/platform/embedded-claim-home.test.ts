import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claimHome } from '../../platform/embedded/claim-home.ts'
import { identifyProcess } from '../../platform/embedded/process-identity.ts'
import { readState } from '../../platform/embedded/state-file.ts'

let homeDir: string

beforeEach(async () => {
  homeDir = await mkdtemp(join(tmpdir(), 'daybook-claim-'))
})

afterEach(async () => {
  await rm(homeDir, { recursive: true, force: true })
})

const gone = { pid: 999_999_999, startMark: 'gone' }
const startedAt = '2026-01-31T02:00:00.000Z'
const postgres = { ...gone, port: 5432 }
const temporal = { ...gone, port: 7233, uiPort: 8233 }

test.each([
  ['a start that was killed early', { owner: gone, startedAt, isReady: false }],
  ['PostgreSQL first', { owner: gone, startedAt, isReady: true, postgres, temporal }],
  ['Temporal first', { owner: gone, startedAt, isReady: true, temporal, postgres }],
  ['a file that another version wrote', { isReady: true, since: 1 }],
])('a home whose owner is gone is taken over: %s', async (_, left) => {
  await writeFile(join(homeDir, 'embedded.json'), JSON.stringify(left))
  const claim = await claimHome(homeDir, () => undefined)
  expect(claim.owner).toBe('us')
  expect((await readState(homeDir))?.owner).toEqual(await identifyProcess(process.pid))
})

test('a home whose owner lives is left to it', async () => {
  const owner = await identifyProcess(process.pid)
  const state = { owner, startedAt, isReady: true, temporal, postgres }
  await writeFile(join(homeDir, 'embedded.json'), JSON.stringify(state))
  expect(await claimHome(homeDir, () => undefined)).toMatchObject({ owner: 'another' })
})
