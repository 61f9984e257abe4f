export interface Rounds {
  readonly warmUp: number
  readonly counted: number
}

const usualRounds: Rounds = { warmUp: 1, counted: 5 }

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  const middle = Math.floor(sorted.length / 2)
  const [low = NaN, high = NaN] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 1 ? high : (low + high) / 2
}

export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}

/**
 * Median milliseconds of each side. The sides take turns, so that whatever else slows the machine
 * slows all of them; rounds that warm up are not counted.
 */
export async function compareMs<Side extends string>(
  title: string,
  sides: Record<Side, () => Promise<unknown>>,
  { warmUp, counted }: Rounds = usualRounds,
): Promise<(side: Side) => number> {
  const times = new Map<string, number[]>()
  for (let round = 1 - warmUp; round <= counted; round += 1) {
    for (const [side, work] of Object.entries<() => Promise<unknown>>(sides)) {
      const took = await timeMs(work)
      if (round > 0) times.set(side, [...(times.get(side) ?? []), took])
      console.error(`${title} ${round > 0 ? round : 'warm-up'}: ${side} ${took.toFixed(0)} ms`)
    }
  }
  return (side) => median(times.get(side) ?? [])
}
