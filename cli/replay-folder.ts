import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { Replayed } from '../platform/replayed.ts'
import { whyUnusable } from '../platform/unusable-file.ts'
import { CommandFailed, UsageError } from './exit-codes.ts'
import { printJson, printLine } from './print.ts'

const replayProcess = join(import.meta.dirname, '..', 'worker', 'replay-process.ts')

/** Replays all histories of a folder, in a process of the worker's code, and says what became of each. */
export async function replayFolder(folder: string, { json }: { json?: true }): Promise<void> {
  const files = await listHistories(folder)
  const results: Replayed[] = []
  for await (const replayed of replayFiles(files)) {
    results.push(replayed)
    if (!json) printLine(describe(replayed))
  }
  const bad = results.filter(({ outcome }) => outcome !== 'fits')
  const missing = files.length - results.length
  if (json) printJson(results)
  else printLine(`\n${results.length - bad.length} of ${files.length} histories fit today's code.`)
  if (missing > 0) throw new CommandFailed(`The replay ended before ${missing} of its histories`)
  const [first] = bad
  if (first !== undefined) throw new CommandFailed(`First that does not fit: ${describe(first)}`)
}

async function listHistories(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new UsageError(`error: ${whyUnusable(folder, error)}`)
  })
  const files = names.filter((name) => name.endsWith('.json')).sort()
  if (files.length > 0) return files.map((name) => join(folder, name))
  throw new UsageError(
    `error: there is no history (*.json) in ${folder}; \`daybook history export\` writes one`,
  )
}

async function* replayFiles(files: readonly string[]): AsyncGenerator<Replayed> {
  const child = spawn(process.execPath, [replayProcess], { stdio: ['pipe', 'pipe', 'inherit'] })
  // By standard input: a folder may hold more names than a command line.
  child.stdin.end(files.join('\n'))
  for await (const line of createInterface({ input: child.stdout })) {
    yield Replayed.parse(JSON.parse(line))
  }
}

function describe(replayed: Replayed): string {
  const file = basename(replayed.file)
  if (replayed.outcome === 'unreadable') return `${file}  UNREADABLE  ${replayed.problem}`
  const { workflowId } = replayed
  if (replayed.outcome === 'differs')
    return `${file}  ${workflowId}  DIFFERS  ${replayed.difference}`
  return `${file}  ${workflowId}  fits (${replayed.decisions} decisions)`
}
