import { InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'

const dagId = z.string().regex(/^[a-z][a-z0-9_]*$/)

export const defaultDag = 'ecommerce_daily'

export function parseDate(text: string): string {
  const date = z.iso.date().safeParse(text)
  if (date.success) return date.data
  throw new InvalidArgumentError('It must be a calendar date, YYYY-MM-DD.')
}

export function parseDag(text: string): string {
  const id = dagId.safeParse(text)
  if (id.success) return id.data
  throw new InvalidArgumentError('A DAG id is written in snake_case, such as ecommerce_daily.')
}

export function parseCount(text: string): number {
  const count = z.coerce.number().int().min(1).max(100_000).safeParse(text)
  if (count.success) return count.data
  throw new InvalidArgumentError('It must be a whole number from 1 to 100000.')
}

export function parseParams(text: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text))
  } catch {
    throw new InvalidArgumentError('It must be a JSON object, such as {"times":2}.')
  }
}

export function dagOption(): Option {
  return new Option('--dag <id>', 'which DAG').default(defaultDag).argParser(parseDag)
}

export function jsonOption(): Option {
  return new Option(
    '--json',
    'print JSON on standard output; everything else goes to standard error',
  )
}

export function limitOption(count: number): Option {
  return new Option('--limit <count>', 'at most so many rows').default(count).argParser(parseCount)
}
