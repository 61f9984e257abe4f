import { z } from 'zod'

export class InvalidGenerateOptions extends Error {
  override readonly name = 'InvalidGenerateOptions'
}

function whole(lowest: number, highest: number) {
  const error = `must be a whole number from ${lowest} to ${highest}`
  return z.int({ error }).min(lowest, { error }).max(highest, { error })
}

const date = z.iso.date({ error: 'must be a calendar date YYYY-MM-DD' })
const dirtError = 'must be a share of the records from 0 to 0.5, such as 0.01'
const flag = z.boolean({ error: 'must be true or false' })

/** What makes one sample shop: days of the same shop fit together, whenever they are generated. */
export const ShopOptions = z.object({
  seed: whole(0, 4_294_967_295).default(42),
  /** The day the shop opened: nothing is older. Customers and products grow from here. */
  epoch: date.default('2024-01-01'),
  orders: whole(1, 5_000_000).default(1000),
  events: whole(1, 20_000_000).default(15_000),
  dirt: z
    .number({ error: dirtError })
    .min(0, { error: dirtError })
    .max(0.5, { error: dirtError })
    .default(0.01),
  anomalies: flag.default(false),
  /** Exactly `orders` and `events` records each day, without weekdays and paydays. */
  flat: flag.default(false),
})
export type ShopOptions = z.output<typeof ShopOptions>

export const GenerateOptions = ShopOptions.extend({
  from: date,
  days: whole(1, 3660),
  out: z.string({ error: 'must be a folder' }).min(1, { error: 'must be a folder' }),
})
export type GenerateOptions = z.input<typeof GenerateOptions>
export type ParsedOptions = z.output<typeof GenerateOptions>

/** @throws InvalidGenerateOptions naming every bad option as the command line spells it */
export function parseGenerateOptions(input: Record<string, unknown>): ParsedOptions {
  const parsed = GenerateOptions.safeParse(input)
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => {
      const option = String(issue.path[0])
      return `--${option} ${issue.message}, got ${JSON.stringify(input[option]) ?? 'nothing'}`
    })
    throw new InvalidGenerateOptions(problems.join('; '))
  }
  const { from, epoch } = parsed.data
  if (from < epoch) {
    throw new InvalidGenerateOptions(
      `--from ${from} is before the shop opened (${epoch}): give --epoch ${from} or earlier`,
    )
  }
  return parsed.data
}
