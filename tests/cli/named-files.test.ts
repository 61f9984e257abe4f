import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCli } from '../support/run-cli.ts'
import { tempFolder } from '../support/temp-folder.ts'

const folder = tempFolder('named-files')
mkdirSync(join(folder, 'folder'))
writeFileSync(join(folder, 'file'), '')
const path = (name: string) => join(folder, name)

const notThere = 'it is not there; check the path'
const isFolder = 'it is a folder; name a file'
const isFile = 'a file is where a folder has to be; check the path'
const fix = ['quarantine', 'fix', 'orders/2025-12-13/orders.json:1', '--reason', 'seen']

test.each([
  [[...fix, '--from-file'], 'nowhere', notThere],
  [[...fix, '--from-file'], 'folder', isFolder],
  [['contract', 'diff', '--against'], 'nowhere', notThere],
  [['contract', 'diff', '--against'], 'folder', isFolder],
  [['history', 'replay'], 'nowhere', notThere],
  [['history', 'replay'], 'file', isFile],
])('%j %s is bad usage, with what to do about it', async (args, name, why) => {
  const { code, stdout, stderr } = await runCli([...args, path(name)])
  expect(stderr).toContain(`error: ${path(name)} cannot be used: ${why}`)
  expect(stderr).not.toMatch(/ENOENT|EISDIR|ENOTDIR/)
  expect(stdout).toBe('')
  expect(code).toBe(2)
})
