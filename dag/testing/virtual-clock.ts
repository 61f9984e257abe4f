export interface VirtualClock {
  elapsedMs(): number
  /** Acts after a delay, unless what its owner wanted is cancelled before. */
  after(delayMs: number, owner: string, act: () => void | Promise<void>): void
  cancel(owner: string): void
  /** Acts on one thing after another, the earliest first, and waits for nothing but those. */
  runUntil(isDone: () => boolean): Promise<void>
}

interface Timer {
  readonly atMs: number
  readonly owner: string
  readonly act: () => void | Promise<void>
}

export function createVirtualClock(): VirtualClock {
  let nowMs = 0
  let timers: readonly Timer[] = []
  return {
    elapsedMs: () => nowMs,
    after(delayMs, owner, act) {
      const timer = { atMs: nowMs + delayMs, owner, act }
      const index = timers.findIndex((other) => other.atMs > timer.atMs)
      timers = timers.toSpliced(index === -1 ? timers.length : index, 0, timer)
    },
    cancel(owner) {
      timers = timers.filter((timer) => timer.owner !== owner)
    },
    async runUntil(isDone) {
      while (!isDone()) {
        const [next, ...later] = timers
        if (next === undefined) return
        timers = later
        nowMs = next.atMs
        await next.act()
      }
    },
  }
}
