import { join } from 'node:path'
import ts from 'typescript'
import { median } from './compare.ts'
import { row } from './report.ts'
import type { Row } from './report.ts'

const repeats = 5
const root = join(import.meta.dirname, '..')
const fileName = join(root, 'bench', 'types-of-a-large-dag.ts')

/** What an editor does after each key: checks a DAG file again, and completes what is being typed. */
export function benchTypes(): Promise<Row[]> {
  const plain = measure(withoutDag)
  const few = measure((version) => dagOf(20, version))
  const many = measure((version) => dagOf(200, version))
  return Promise.resolve([
    row({
      metric: 'a file without a DAG, checked after an edit',
      value: plain.checkMs,
      unit: 'ms',
    }),
    row({ metric: 'DAG of 20 tasks, checked after an edit', value: few.checkMs, unit: 'ms' }),
    row({ metric: 'DAG of 200 tasks, checked after an edit', value: many.checkMs, unit: 'ms' }),
    row({
      ...{ metric: 'check of 200 tasks, times that of 20', unit: 'times', goal: 1.5 },
      value: many.checkMs / few.checkMs,
    }),
    row({
      ...{ metric: 'completion in 200 tasks, times that in 20', unit: 'times', goal: 1.5 },
      value: many.completeMs / few.completeMs,
    }),
  ])
}

function measure(write: (version: number) => string): { checkMs: number; completeMs: number } {
  let version = 1
  let text = write(version)
  const service = ts.createLanguageService({
    getScriptFileNames: () => [fileName],
    getScriptVersion: (name) => (name === fileName ? String(version) : '1'),
    getScriptSnapshot: (name) => {
      const content = name === fileName ? text : ts.sys.readFile(name)
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
    },
    getCurrentDirectory: () => root,
    getCompilationSettings: readOptions,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (name) => name === fileName || ts.sys.fileExists(name),
    readFile: (name) => (name === fileName ? text : ts.sys.readFile(name)),
    readDirectory: (...read) => ts.sys.readDirectory(...read),
    directoryExists: (name) => ts.sys.directoryExists(name),
    getDirectories: (name) => ts.sys.getDirectories(name),
  })
  const edit = () => {
    version += 1
    text = write(version)
  }
  const check = () => {
    const found = service.getSemanticDiagnostics(fileName)
    if (found.length === 0) return
    throw new Error(ts.flattenDiagnosticMessageText(found[0]?.messageText ?? '', '\n'))
  }
  check()
  const checks = timed(edit, check)
  const completions = timed(edit, () => {
    const at = text.lastIndexOf('.output.rowsOut') + '.output.'.length
    const names = service.getCompletionsAtPosition(fileName, at, undefined)?.entries ?? []
    if (!names.some(({ name }) => name === 'rowsOut')) throw new Error('nothing was completed')
  })
  service.dispose()
  return { checkMs: median(checks), completeMs: median(completions) }
}

function timed(prepare: () => void, work: () => void): number[] {
  return Array.from({ length: repeats }, () => {
    prepare()
    const startedMs = performance.now()
    work()
    return performance.now() - startedMs
  })
}

function readOptions(): ts.CompilerOptions {
  const path = join(root, 'tsconfig.json')
  const { config } = ts.readConfigFile(path, (name) => ts.sys.readFile(name)) as { config: unknown }
  return ts.parseJsonConfigFileContent(config, ts.sys, root).options
}

function withoutDag(version: number): string {
  return `export const made = { output: { rowsOut: ${version} } }\nvoid made.output.rowsOut\n`
}

/** Ten tasks a layer; each takes the output of one of the layer before, and waits for two more. */
function dagOf(tasks: number, version: number): string {
  const lines = Array.from({ length: tasks }, (_, index) => {
    const id = `'task_${index}'`
    if (index < 10)
      return `  const t${index} = task(${id}, act.first, { date, version: ${version} })`
    const layer = Math.floor(index / 10) * 10 - 10
    const of = (offset: number) => `t${layer + ((index + offset) % 10)}`
    return (
      `  const t${index} = task(${id}, act.next, { rows: ${of(0)}.output.rowsOut, date }, ` +
      `{ after: [${of(1)}, ${of(2)}] })`
    )
  })
  return `
import { activityRefs, defineDag } from '../dag/define-dag.ts'

interface Activities {
  first(input: { date: string; version: number }): Promise<{ rowsOut: number; file: string }>
  next(input: { rows: number; date: string }): Promise<{ rowsOut: number; file: string }>
}
const act = activityRefs<Activities>()

export const large = defineDag(
  { id: 'large', schedule: null, startDate: '2026-01-01', catchup: false, maxActiveRuns: 1 },
  ({ task, date }) => {
${lines.join('\n')}
  void [${Array.from({ length: 10 }, (_, index) => `t${tasks - 1 - index}`).join(', ')}]
  },
)
`
}
