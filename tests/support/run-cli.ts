import { spawn } from 'node:child_process'
import { join } from 'node:path'

const launcher = join(import.meta.dirname, '..', '..', 'bin', 'daybook.js')

export interface CliResult {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs `daybook` as a person would, with only these settings. */
export function runCli(args: string[], settings: Record<string, string> = {}): Promise<CliResult> {
  return startCli(args, settings).ended
}

/** Starts `daybook`; `result` grows while it runs. */
export function startCli(args: string[], settings: Record<string, string> = {}) {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings }
  const child = spawn(process.execPath, [launcher, ...args], { env, stdio: 'pipe' })
  const result: CliResult = { code: null, stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => (result.stdout += String(chunk)))
  child.stderr.on('data', (chunk) => (result.stderr += String(chunk)))
  const ended = new Promise<CliResult>((resolve) => {
    child.once('close', (code) => resolve(Object.assign(result, { code })))
  })
  return { child, result, ended }
}
