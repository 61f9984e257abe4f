import { parseArgs } from 'node:util'
import { z } from 'zod'
import { runChaos } from './run-chaos.ts'
import { scenarios } from './scenarios.ts'

const usage = `npm run chaos -- [--seed N] [--minutes M] [--only NAME] [--orders N] [--kills N] [--json] [--list]

Books a week of the sample shop on servers of its own, again and again, while faults strike, and holds
each week against one that nothing disturbed. Exit code 1 when something differs or is left over.

  --seed     of the schedule of faults: the same seed strikes in the same order (default 1)
  --minutes  no round begins after so many; the storm is repeated until then (default 20)
  --only     one scenario, once, instead of all of them
  --orders   orders a day, with five times as many events (default 150)
  --kills    kills, freezes, bursts of a round (default 25 in a storm, 4 elsewhere)
  --json     the results as JSON
  --list     the scenarios, and why one cannot be staged here`

const number = z.coerce.number().int().positive()
const Flags = z.object({
  seed: z.coerce.number().int().nonnegative().default(1),
  minutes: z.coerce.number().positive().default(20),
  orders: number.min(110, 'the checks of a day want at least 100 good orders').default(150),
  kills: number.optional(),
  only: z.enum(scenarios.map(({ name }) => name)).optional(),
  json: z.boolean().default(false),
  list: z.boolean().default(false),
  help: z.boolean().default(false),
})

function readFlags() {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const { values } = parseArgs({
    options: {
      ...{ seed: text, minutes: text, orders: text, kills: text, only: text },
      ...{ json: flag, list: flag, help: flag },
    },
  })
  return Flags.parse(values)
}

async function listScenarios(): Promise<void> {
  for (const { name, faults, missing } of scenarios) {
    const why = await missing?.()
    console.log(
      `${name.padEnd(33)}${faults}${why === undefined ? '' : `\n${' '.repeat(33)}left out: ${why}`}`,
    )
  }
}

try {
  const { list, help, ...flags } = readFlags()
  if (help) console.log(usage)
  else if (list) await listScenarios()
  else if (!(await runChaos(flags))) process.exitCode = 1
} catch (error) {
  const isUsage = error instanceof z.ZodError || (error instanceof TypeError && 'code' in error)
  console.error(isUsage ? `${error.message}\n\n${usage}` : error)
  process.exitCode = isUsage ? 2 : 1
}
