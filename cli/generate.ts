import type { Command } from 'commander'
import { generateDays } from '../data/generator/generate.ts'
import type { DayManifest } from '../data/generator/manifest.ts'
import { LandingZoneTaken, readSummary } from '../data/generator/manifest-store.ts'
import { InvalidGenerateOptions } from '../data/generator/options.ts'
import type { GenerateOptions } from '../data/generator/options.ts'
import { WriteFailed } from '../data/generator/file-sink.ts'
import { loadConfig } from '../platform/config.ts'

/** As commander hands them over: every value is text until the generator's schema has seen it. */
interface Flags {
  from: string
  days: number
  orders: number
  events: number
  seed: number
  dirt: number
  epoch: string
  anomalies?: true
  flat?: true
  out?: string
  json?: true
}

const exitCodes = { failed: 1, badOptions: 2 } as const

export function registerGenerate(program: Command): void {
  const command = program.command('generate')
  command
    .option('--from <date>', 'first day, YYYY-MM-DD', '2025-12-13')
    .option('--days <count>', 'how many days', numberIn('days'), 7)
    .option('--orders <count>', 'orders on a usual day', numberIn('orders'), 1000)
    .option('--events <count>', 'events on a usual day', numberIn('events'), 15_000)
    .option('--seed <number>', 'another seed is another shop', numberIn('seed'), 42)
    .option('--dirt <share>', 'share of spoilt records, 0 to 0.5', numberIn('dirt'), 0.01)
    .option('--epoch <date>', 'the day the shop opened', '2024-01-01')
    .option('--anomalies', 'plant quantity spikes and days that go wrong')
    .option('--flat', 'exactly --orders and --events each day, no weekdays')
    .option('--out <folder>', 'landing zone to write into (default: the setting LANDING_DIR)')
    .option('--json', 'print the summary of the manifest as JSON')
    .action((flags: Flags) => runGenerate(flags, command))

  function numberIn(option: string) {
    return (text: string): number => {
      if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
      const message = `error: --${option} must be a number, got "${text}"`
      return command.error(message, { exitCode: exitCodes.badOptions })
    }
  }
}

async function runGenerate({ json, ...flags }: Flags, command: Command): Promise<void> {
  const options: GenerateOptions = { ...flags, out: flags.out ?? loadConfig().landingDir }
  try {
    await writeDays(options)
  } catch (error) {
    if (error instanceof InvalidGenerateOptions) {
      command.error(`error: ${error.message}`, { exitCode: exitCodes.badOptions })
    }
    if (error instanceof LandingZoneTaken || error instanceof WriteFailed) {
      command.error(`error: ${error.message}`, { exitCode: exitCodes.failed })
    }
    throw error
  }
  const summary = await readSummary(options.out)
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`)
  else process.stdout.write(`Manifest: ${options.out}/manifest.json\n`)
}

/** Progress goes to stderr: one line that moves on a terminal, a line a day in a pipe. */
async function writeDays(options: GenerateOptions): Promise<void> {
  const startedAt = performance.now()
  let done = 0
  for await (const day of generateDays(options)) {
    done++
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    const line = `${done}/${options.days}  ${describeDay(day)}  ${seconds} s`
    process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`)
  }
  if (process.stderr.isTTY) process.stderr.write('\n')
}

function describeDay({ date, files, defects }: DayManifest): string {
  const sizes = files.map(({ source, rows }) => `${rows} ${source}`).join(', ')
  return `${date}  ${sizes}, ${defects.length} spoilt`
}
