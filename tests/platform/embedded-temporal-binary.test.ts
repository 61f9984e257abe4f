import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { findPresentBinary, findTemporalBinary } from '../../platform/embedded/temporal-binary.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daybook-binary-'))
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'))
  vi.stubEnv('PATH', [join(folder, 'path'), '/usr/bin', '/bin'].join(':'))
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

async function plant(place: string, script: string): Promise<string> {
  const file = join(folder, place, 'temporal')
  await mkdir(join(folder, place), { recursive: true })
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
  return file
}

const works = 'echo temporal version 1.5.1'

test('the PATH comes before the home folder, and that before the cache', async () => {
  const home = join(folder, 'home')
  expect(await findPresentBinary(home)).toBeUndefined()
  const cached = await plant('cache/daybook/bin', works)
  expect(await findPresentBinary(home)).toBe(cached)
  const kept = await plant('home/bin', works)
  expect(await findPresentBinary(home)).toBe(kept)
  const onPath = await plant('path', works)
  expect(await findTemporalBinary({ homeDir: home, log: () => undefined })).toBe(onPath)
})

test.each([
  ['crashes', 'exit 1'],
  ['is another program of that name', 'echo time is an illusion'],
])('a binary that %s is passed over', async (_, script) => {
  await plant('path', script)
  const cached = await plant('cache/daybook/bin', works)
  expect(await findPresentBinary(join(folder, 'home'))).toBe(cached)
})
