import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Contract } from '../../domain/contracts/contract.ts'
import { readGoodDay } from './good-day.ts'
import { makeMutants } from './make-mutants.ts'

/** A mutant in a landing zone of its own. */
export interface WrittenMutant {
  readonly id: string
  readonly source: string
  readonly kind: string
  readonly landingDir: string
}

export interface WriteMutantsInput {
  /** Landing zone of the good day and the days before it. */
  readonly goodDir: string
  readonly date: string
  readonly contracts: readonly Contract[]
  readonly seed: number
  /** Folder that gets a landing zone a mutant. */
  readonly out: string
}

/** Writes every mutant of a day's deliveries. A source without a file that day has none. */
export async function writeMutants(input: WriteMutantsInput): Promise<WrittenMutant[]> {
  const written: WrittenMutant[] = []
  for (const contract of input.contracts) {
    const day = await readGoodDay(input.goodDir, contract, input.date)
    if (!day) continue
    for (const { id, source, kind, files } of makeMutants(day, input.seed)) {
      const landingDir = join(input.out, String(written.length))
      for (const [path, content] of files) {
        await mkdir(dirname(join(landingDir, path)), { recursive: true })
        await writeFile(join(landingDir, path), content)
      }
      written.push({ id, source, kind, landingDir })
    }
  }
  return written
}
