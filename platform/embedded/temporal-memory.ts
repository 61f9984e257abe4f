import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const TemporalPorts = z.object({ port: z.int(), uiPort: z.int() })
export type TemporalPorts = z.infer<typeof TemporalPorts>

/** The ports of the last start, so that bookmarks of the Web UI stay right. */
export async function recallTemporalPorts(homeDir: string): Promise<TemporalPorts | undefined> {
  try {
    const text = await readFile(join(homeDir, 'temporal.json'), 'utf8')
    return TemporalPorts.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

export async function rememberTemporalPorts(homeDir: string, ports: TemporalPorts): Promise<void> {
  await mkdir(homeDir, { recursive: true })
  await writeFile(join(homeDir, 'temporal.json'), `${JSON.stringify(ports)}\n`)
}
