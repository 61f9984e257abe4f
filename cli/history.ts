import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isGrpcServiceError } from '@temporalio/client'
import type { Command } from 'commander'
import { historyToJson } from '../platform/history-json.ts'
import { whyUnusable } from '../platform/unusable-file.ts'
import { dagOption, jsonOption } from './arguments.ts'
import { withServers } from './connect.ts'
import { UsageError } from './exit-codes.ts'
import { printJson } from './print.ts'
import { findRun, runKeyFrom } from './recorded-run.ts'
import { replayFolder } from './replay-folder.ts'

/** gRPC's code. */
const notFound = 5

interface ExportFlags {
  dag: string
  out?: string
  json?: true
}

export function registerHistory(program: Command): void {
  const history = program.command('history').addHelpText(
    'after',
    `
Examples:
  daybook history export 2025-12-13 --out histories/2025-12-13.json
  daybook history replay histories

Both print JSON with --json.`,
  )
  registerExport(history)
  registerReplay(history)
}

function registerExport(history: Command): void {
  history
    .command('export')
    .argument('<run>', 'a run key (ecommerce_daily/2025-12-13), a date, a run id or a workflow id')
    .description("write the history of a run in the format of Temporal's own tools")
    .addOption(dagOption())
    .option('--out <file>', 'write it there instead of to standard output')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
It is what \`temporal workflow show --output json\` writes; \`Worker.runReplayHistory\` reads it.

Examples:
  daybook history export 2025-12-13 > 2025-12-13.json
  daybook history export online_retail_daily/2011-11-14 --out histories/2011-11-14.json`,
    )
    .action(exportHistory)
}

function registerReplay(history: Command): void {
  history
    .command('replay')
    .argument('<folder>', 'a folder of histories, *.json')
    .description("run recorded histories through today's workflow code, without any server")
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Exits with 1 if a history does not fit, and names the first decision that differs. A change of a DAG
disturbs no history: runs keep the graph they began with. A change of the run loop may.

Examples:
  daybook history replay histories
  daybook history replay tests/histories/dags --json`,
    )
    .action(replayFolder)
}

async function exportHistory(run: string, { dag, out, json }: ExportFlags): Promise<void> {
  const key = runKeyFrom(run, dag)
  const exported = await withServers(async ({ client, database }) => {
    const found = await findRun(database, key)
    const handle = client.workflow.getHandle(found?.run_key ?? key, found?.run_id)
    const history = await handle.fetchHistory().catch((error: unknown) => {
      throw isGrpcServiceError(error) && Number(error.code) === notFound ? notKept(key) : error
    })
    return { workflowId: handle.workflowId, history }
  })
  const { workflowId, history } = exported
  const text = historyToJson(history)
  if (out === undefined) return void process.stdout.write(text)
  await writeNamed(out, text)
  const events = history.events?.length ?? 0
  if (json) printJson({ workflow_id: workflowId, events, file: out })
  else console.error(`${workflowId}: ${events} events written to ${out}`)
}

async function writeNamed(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  } catch (error) {
    throw new UsageError(`error: ${whyUnusable(path, error)}`)
  }
}

function notKept(key: string): UsageError {
  return new UsageError(
    `error: Temporal has no history of ${key}; \`daybook runs\` lists the runs, and a namespace keeps ` +
      'histories for its retention time only',
  )
}
