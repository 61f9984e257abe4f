import { cruise } from 'dependency-cruiser'
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const folders = [
  ...['dag', 'domain', 'workflows', 'platform', 'activities', 'schedules', 'worker', 'cli', 'api'],
  ...['console', 'data', 'bin', 'tests', 'bench', 'chaos'],
]
let repository = ''

async function plant(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(repository, path)), { recursive: true })
  await writeFile(join(repository, path), text)
}

beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), 'daybook-imports-'))
  for (const folder of folders) {
    await plant(`${folder}/target.ts`, `export const value = 1\nexport type Kind = string\n`)
  }
  for (const name of ['zod', 'pg', 'simple-statistics', '@temporalio/workflow']) {
    await plant(`node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }))
    await plant(`node_modules/${name}/index.js`, 'exports.value = 1\n')
  }
  await plant('package.json', JSON.stringify({ type: 'module', dependencies: {} }))
})

afterAll(async () => {
  await rm(repository, { recursive: true, force: true })
})

/** The rules that a file with this one line would break, by the product's own configuration. */
async function rulesBrokenBy(path: string, line: string): Promise<string[]> {
  await plant(path, `${line}\n`)
  const options = await extractDepcruiseOptions(join(root, '.dependency-cruiser.mjs'))
  const { tsConfig: _, ...rest } = options
  const { output } = await cruise([path], { ...rest, baseDir: repository, validate: true })
  await rm(join(repository, path))
  if (typeof output === 'string') throw new Error(`No result: ${output}`)
  return output.summary.violations.map((violation) => violation.rule.name)
}

const from = (folder: string) =>
  `import { value } from '../${folder}/target.ts'; console.log(value)`
const use = (name: string) => `import { value } from '${name}'; console.log(value)`

describe('imports follow the map', () => {
  test.each([
    ['dag/planted.ts', from('domain'), 'map-dag'],
    ['dag/planted.ts', from('platform'), 'map-dag'],
    ['dag/planted.ts', use('@temporalio/workflow'), 'map-dag'],
    ['dag/planted.ts', use('node:fs'), 'map-dag'],
    ['dag/run-loop/run-graph.ts', from('domain'), 'map-dag-run-loop'],
    ['domain/planted.ts', use('pg'), 'map-domain'],
    ['domain/planted.ts', from('platform'), 'map-domain'],
    ['workflows/planted.ts', from('activities'), 'map-workflows'],
    ['workflows/planted.ts', from('platform'), 'map-workflows'],
    ['workflows/planted.ts', use('node:fs'), 'map-workflows'],
    ['platform/planted.ts', from('activities'), 'map-platform'],
    ['activities/planted.ts', from('workflows'), 'map-activities'],
    ['schedules/planted.ts', from('worker'), 'map-schedules'],
    ['worker/planted.ts', from('cli'), 'map-worker'],
    ['cli/planted.ts', from('worker'), 'map-cli'],
    ['cli/planted.ts', from('workflows'), 'map-cli'],
    ['console/planted.ts', from('domain'), 'map-console'],
    ['data/planted.ts', from('platform'), 'map-data'],
    ['chaos/planted.ts', from('activities'), 'map-chaos'],
    ['bin/planted.js', from('platform'), 'map-bin'],
    ['bench/planted.ts', from('tests'), 'nothing-imports-tests'],
  ])('%s may not: %s', async (path, line, rule) => {
    expect(await rulesBrokenBy(path, line)).toContain(rule)
  })

  test.each([
    ['dag/planted.ts', use('zod')],
    ['dag/run-loop/run-graph.ts', use('@temporalio/workflow')],
    ['domain/planted.ts', use('simple-statistics')],
    ['workflows/planted.ts', from('dag')],
    ['platform/planted.ts', use('node:fs')],
    ['activities/planted.ts', from('platform')],
    ['schedules/planted.ts', from('workflows')],
    ['cli/planted.ts', from('schedules')],
    ['cli/planted.ts', from('activities')],
    ['tests/planted.ts', from('activities')],
    ['workflows/planted.ts', `import type { Kind } from '../activities/target.ts'`],
    ['console/planted.ts', `import type { Kind } from '../domain/target.ts'`],
  ])('%s may: %s', async (path, line) => {
    expect(await rulesBrokenBy(path, line)).toEqual([])
  })
})
