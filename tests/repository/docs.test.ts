import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

const root = join(import.meta.dirname, '../..')
const { map } = z
  .object({ map: z.record(z.string(), z.looseObject({ folders: z.array(z.string()) })) })
  .parse(await import(join(root, '.dependency-cruiser.mjs')))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

function backticked(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '')
}

/** Paths of files that a page names; patterns such as `<dag>.ts` and `NNNN_what.sql` name none. */
function pathsNamedBy(page: string): string[] {
  const folders = [...Object.keys(map), 'sql', 'tests', 'bench', 'docs'].join('|')
  const path = new RegExp(`^(?:${folders})/[a-z0-9./_-]+\\.[a-z]+$`)
  return backticked(read(page)).filter((text) => path.test(text))
}

const pages = ['CONTRIBUTING.md', 'CHANGELOG.md', 'README.md']
  .filter((page) => existsSync(join(root, page)))
  .concat(readdirSync(join(root, 'docs/decisions')).map((name) => `docs/decisions/${name}`))

describe('the pages', () => {
  test.each(pages)('%s names only files that exist', (page) => {
    const missing = pathsNamedBy(page).filter((path) => !existsSync(join(root, path)))
    expect(missing).toEqual([])
  })

  test('CONTRIBUTING.md shows the import map that is checked', () => {
    const rows = [...read('CONTRIBUTING.md').matchAll(/^\| `(\w+)\/` \|[^|]*\|([^|]*)\|$/gm)]
    const shown = new Map(rows.map((row) => [row[1], backticked(row[2] ?? '')]))
    for (const [folder, { folders }] of Object.entries(map)) {
      if (!shown.has(folder)) continue
      const named = shown.get(folder)?.filter((name) => name in map)
      expect(named, folder).toEqual(folders)
    }
    expect(shown.size).toBeGreaterThan(9)
  })

  test('docs/decisions/README.md lists every record once', () => {
    const records = readdirSync(join(root, 'docs/decisions')).filter((name) => /^\d/.test(name))
    const listed = [...read('docs/decisions/README.md').matchAll(/\]\((\d{4}-[^)]+\.md)\)/g)]
    expect(listed.map((match) => match[1])).toEqual(records.sort())
  })
})
