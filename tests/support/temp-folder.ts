import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'

/** A folder of the test's own, gone when all tests have ended. */
export function tempFolder(name: string): string {
  return mkdtempSync(join(inject('testFolder'), `${name}-`))
}
