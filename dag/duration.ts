const unitMs = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

type Unit = keyof typeof unitMs

/** A duration in words: '30 seconds', '1 minute', '2 hours'. */
export type Duration = `${number} ${Unit | `${Unit}s`}`

/** @throws Error when the words are no duration */
export function toMs(duration: Duration): number {
  const [count = '', words = ''] = duration.split(' ')
  const unit = Object.entries(unitMs).find(([name]) => words === name || words === `${name}s`)
  const ms = Number(count) * (unit?.[1] ?? Number.NaN)
  if (Number.isFinite(ms) && ms >= 0) return ms
  throw new Error(`"${duration}" is no duration; write it like '5 minutes' or '1 hour'`)
}
