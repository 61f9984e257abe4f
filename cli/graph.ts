import type { Command } from 'commander'
import { Argument, Option } from 'commander'
import type { Graph } from '../dag/graph.ts'
import { renderMermaid } from '../dag/render-mermaid.ts'
import { renderTextGraph } from '../dag/render-text-graph.ts'
import type { TaskStates } from '../dag/task-state.ts'
import { findDag } from '../schedules/schedules.ts'
import { jsonOption, parseDag } from './arguments.ts'
import { withDatabase } from './connect.ts'
import { UsageError } from './exit-codes.ts'
import { unknownDag } from './known-dag.ts'
import { printJson, printLine } from './print.ts'
import { readAttempts, requireRun } from './recorded-run.ts'
import { readStates } from './states-now.ts'
import { terminalWidth } from './terminal-width.ts'

interface Flags {
  format: 'text' | 'mermaid'
  run?: string
  json?: true
}

/** `states` of a run; a graph of the code has none. */
interface Drawn {
  readonly title: string
  readonly graph: Graph
  readonly states?: TaskStates
}

export function registerGraph(program: Command): void {
  program
    .command('graph')
    .addArgument(new Argument('<dag>', 'a DAG, such as ecommerce_daily').argParser(parseDag))
    .addOption(
      new Option('--format <format>', 'text, or a Mermaid flowchart')
        .choices(['text', 'mermaid'])
        .default('text'),
    )
    .option('--run <run>', 'as this run recorded it, with states: a date, run key or run id')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  daybook graph ecommerce_daily
  daybook graph ecommerce_daily --run 2025-12-13
  daybook graph ecommerce_daily --run 2025-12-13 --format mermaid > run.mmd`,
    )
    .action(drawGraph)
}

async function drawGraph(dagId: string, flags: Flags): Promise<void> {
  const { run } = flags
  const drawn = run === undefined ? graphOfCode(dagId) : await graphOfRun(dagId, run)
  if (flags.json) return printJson(drawn)
  const { title, graph, states } = drawn
  const known = states === undefined ? {} : { states }
  if (flags.format === 'mermaid') return printLine(renderMermaid(graph, states))
  printLine(title)
  printLine(renderTextGraph(graph, { ...known, width: terminalWidth() }))
}

function graphOfCode(dagId: string): Drawn {
  const dag = findDag(dagId)
  if (dag === undefined) throw unknownDag(dagId)
  return { title: `${dagId}: ${dag.graph.tasks.length} tasks`, graph: dag.graph }
}

async function graphOfRun(dagId: string, key: string): Promise<Drawn> {
  return withDatabase(async (database) => {
    const run = await requireRun(database, key, dagId)
    if (run.dag_id !== dagId) {
      throw new UsageError(`error: ${run.run_key} is a run of ${run.dag_id}, not of ${dagId}`)
    }
    const states = await readStates(run, await readAttempts(database, run.run_id))
    const title = `${run.run_key}  ${run.state}: ${run.graph.tasks.length} tasks`
    return { title, graph: run.graph, states }
  })
}
