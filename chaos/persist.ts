import { setTimeout as sleep } from 'node:timers/promises'

const patienceMs = 180_000
const pauseMs = 200

/** What `work` returns once the servers that it asks are up: they go down and come back here. */
export async function persist<T>(work: () => Promise<T>, limitMs = patienceMs): Promise<T> {
  const deadline = Date.now() + limitMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(pauseMs)
    }
  }
}

/** True as soon as it holds, false if it does not within the limit; a look that fails holds nothing. */
export async function eventually(
  holds: () => Promise<boolean>,
  limitMs: number,
  signal?: AbortSignal,
): Promise<boolean> {
  for (const deadline = Date.now() + limitMs; Date.now() < deadline;) {
    if (signal?.aborted) return false
    if (await holds().catch(() => false)) return true
    await sleep(pauseMs)
  }
  return false
}
