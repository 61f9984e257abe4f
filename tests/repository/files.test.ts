import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

const root = join(import.meta.dirname, '../..')

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** What is committed or about to be. */
function repositoryFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root })
  return listed
    .toString()
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)))
}

const hasGit = existsSync(join(root, '.git'))

describe('the repository', () => {
  test.each([
    ...['dag', 'domain', 'workflows', 'platform', 'activities', 'schedules', 'worker', 'cli'],
    ...['bin', 'sql', 'sql/migrations', 'data', 'tests', 'docs', 'docs/decisions'],
  ])('has the folder %s', (folder) => {
    expect(existsSync(join(root, folder))).toBe(true)
  })

  test.each([
    ...['package.json', 'tsconfig.json', 'docker-compose.yml', 'README.md', 'LICENSE'],
    ...['CHANGELOG.md', 'CONTRIBUTING.md', '.env.example', '.ci/run'],
  ])('has the file %s', (file) => {
    expect(existsSync(join(root, file))).toBe(true)
  })

  test.skipIf(!hasGit)('names no folder of the machine it was written on', () => {
    // Joined from pieces, so that this file does not name what it forbids.
    const folders = ['/ro' + 'ot/', '/ho' + 'me/[a-z]+/', '/Us' + 'ers/[A-Za-z]+/', '/wo' + 'rk/']
    const machinePath = new RegExp(`(^|[\\s"'\`(=:])(file://)?(${folders.join('|')})`, 'm')
    const found = repositoryFiles().filter((path) => machinePath.test(read(path)))
    expect(found).toEqual([])
  })

  test.skipIf(!hasGit)('names neither a package registry nor the host it was written on', () => {
    const registries = ['registry\\.np' + 'mjs', 'registry\\.ya' + 'rnpkg', 'artifac' + 'tory']
    const hostNames = hostname().length > 5 ? [`@${hostname().replaceAll('.', '\\.')}`] : []
    const host = new RegExp([...registries, ...hostNames].join('|'))
    const found = repositoryFiles().filter((path) => host.test(read(path)))
    expect(found).toEqual([])
  })
})

describe('package-lock.json', () => {
  const LockFile = z.object({
    packages: z.record(
      z.string(),
      z.looseObject({
        version: z.string().optional(),
        resolved: z.string().optional(),
        integrity: z.string().optional(),
        hasInstallScript: z.boolean().optional(),
        optionalDependencies: z.record(z.string(), z.string()).optional(),
      }),
    ),
  })
  const packages = Object.entries(LockFile.parse(JSON.parse(read('package-lock.json'))).packages)

  test('names no host to download from', () => {
    expect(packages.filter(([, entry]) => entry.resolved !== undefined)).toEqual([])
    expect(read('package-lock.json')).not.toMatch(/"resolved":/)
  })

  test('knows the checksum of every package', () => {
    const unchecked = packages.filter(([path, entry]) => path !== '' && !entry.integrity)
    expect(unchecked).toEqual([])
  })

  test('has the packages of every platform, without which npm ci refuses it', () => {
    const locked = new Set(packages.map(([path]) => path.replace(/^.*node_modules\//, '')))
    const wanted = packages.flatMap(([, entry]) => Object.keys(entry.optionalDependencies ?? {}))
    expect(wanted.filter((name) => !locked.has(name))).toEqual([])
  })

  test('has no install script that package.json does not allow or refuse', () => {
    const Manifest = z.object({ allowScripts: z.record(z.string(), z.boolean()) })
    const { allowScripts } = Manifest.parse(JSON.parse(read('package.json')))
    const scripted = packages
      .filter(([, entry]) => entry.hasInstallScript)
      .map(([path]) => path.replace(/^.*node_modules\//, ''))
    expect(Object.keys(allowScripts).sort()).toEqual([...new Set(scripted)].sort())
  })
})
