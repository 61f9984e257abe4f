import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** A model: one `select` that fills one table, with a header that says its grain and reads. */
export interface Model {
  readonly name: string
  readonly reads: readonly string[]
  readonly params: readonly string[]
  readonly select: string
}

const sqlDir = join(import.meta.dirname, '..', 'sql')
const requiredFields = ['grain', 'reads'] as const
const knownFields = ['grain', 'reads', 'params', 'table']

/**
 * Reads `sql/<path>.sql`. The header is the leading comment lines `-- field: value`; `table:` names
 * the table when the file is not named for it.
 * @throws Error naming the file and the missing or unknown header field
 */
export async function readModel(path: string): Promise<Model> {
  return parseModel(path, await readFile(join(sqlDir, `${path}.sql`), 'utf8'))
}

export function parseModel(path: string, text: string): Model {
  const fields = headerFields(path, text)
  for (const field of requiredFields) {
    if (!fields.has(field)) throw new Error(`sql/${path}.sql: its header lacks "-- ${field}: …"`)
  }
  return {
    name: fields.get('table') ?? basename(path),
    reads: list(fields.get('reads')),
    params: list(fields.get('params')),
    select: text.replace(/;\s*$/, ''),
  }
}

function headerFields(path: string, text: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of text.split('\n')) {
    if (!line.startsWith('--')) break
    const field = /^-- ([a-z]+): +(.*)$/.exec(line)
    if (!field?.[1] || field[2] === undefined) continue
    if (!knownFields.includes(field[1])) {
      throw new Error(`sql/${path}.sql: unknown header field "${field[1]}"`)
    }
    fields.set(field[1], field[2].trim())
  }
  return fields
}

function list(value: string | undefined): string[] {
  return value ? value.split(',').map((item) => item.trim()) : []
}
