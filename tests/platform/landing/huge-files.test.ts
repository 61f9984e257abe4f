import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { tempFolder } from '../../support/temp-folder.ts'

const run = promisify(execFile)
const script = join(import.meta.dirname, '../../support/read-huge-file.ts')
const Reading = z.object({ refusal: z.string().nullable(), mostMemoryMib: z.number() })

async function read(kind: string) {
  const path = join(tempFolder('huge'), kind)
  const { stdout } = await run(process.execPath, [script, kind, path], { timeout: 30_000 })
  return Reading.parse(JSON.parse(stdout))
}

test.each([
  [
    'a string that never ends',
    'json_string',
    'has a record 2 of more than 16777216 bytes, which begins at byte 20, or one whose quotes or brackets do not close',
  ],
  [
    'brackets that never close',
    'json_brackets',
    'has a record 2 of more than 16777216 bytes, which begins at byte 20, or one whose quotes or brackets do not close',
  ],
  [
    'a quoted line that never ends',
    'csv_line',
    'has a line 3 of more than 16777216 bytes, from byte 100 on. Deliver it with a line end after each record',
  ],
])(
  'a file of 1 GiB with %s is refused with its place, in flat memory',
  async (_, kind, message) => {
    const reading = await read(kind)
    expect(reading.refusal).toContain(message)
    expect(reading.mostMemoryMib).toBeLessThan(450)
  },
)

test.each([
  ['an array', 'json_array'],
  ['blanks around an array', 'json_blanks'],
])('%s of 200 MiB is read in flat memory', async (_, kind) => {
  const reading = await read(kind)
  expect(reading.refusal).toBeNull()
  expect(reading.mostMemoryMib).toBeLessThan(220)
})
