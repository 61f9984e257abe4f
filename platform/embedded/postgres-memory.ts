import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { CannotStart } from './cannot-start.ts'

/** What the embedded PostgreSQL must remember between starts. Holds the password: mode 0600. */
export const PostgresMemory = z.object({
  dataDir: z.string(),
  port: z.int().optional(),
  password: z.string().min(20),
})
export type PostgresMemory = z.infer<typeof PostgresMemory>

function memoryFile(homeDir: string): string {
  return join(homeDir, 'postgres.json')
}

export async function recallPostgres(homeDir: string): Promise<PostgresMemory | undefined> {
  const file = memoryFile(homeDir)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  try {
    return PostgresMemory.parse(JSON.parse(text))
  } catch (error) {
    throw new CannotStart(
      `${file} is damaged; it holds the password of the embedded database`,
      `restore the file, or move ${homeDir} away to start with an empty database`,
      { cause: error },
    )
  }
}

export function newPassword(): string {
  return randomBytes(24).toString('base64url')
}

export async function rememberPostgres(homeDir: string, memory: PostgresMemory): Promise<void> {
  const file = memoryFile(homeDir)
  await mkdir(dirname(file), { recursive: true })
  const staged = `${file}.new`
  await writeFile(staged, `${JSON.stringify(memory, null, 2)}\n`, { mode: 0o600 })
  await chmod(staged, 0o600)
  await rename(staged, file)
}

export function postgresUrl(memory: PostgresMemory, port: number, database: string): string {
  return `postgres://${superuser}:${memory.password}@127.0.0.1:${port}/${database}`
}

export const superuser = 'daybook'
