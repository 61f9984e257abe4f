import { condition } from '@temporalio/workflow'

/** Who is told that something waits for its turn, and that it goes on. */
export interface WaitTold {
  queued(reason: string): void
  running(): void
}

/** Nobody is told. */
export const inSilence: WaitTold = { queued: () => undefined, running: () => undefined }

/** Pauses, and the limit of the run itself (`max_active_tasks`). Neither costs an event. */
export interface Turns {
  /** Waits for a turn, then takes up to so many places, at least one; returns how many. Who waits longest goes first. */
  take(id: string, most: number, told: WaitTold): Promise<number>
  give(id: string): void
  /** Waits for the end of a pause only. */
  untilResumed(told: WaitTold): Promise<void>
  setPaused(isPaused: boolean): void
}

export function createTurns(maxActive = Number.POSITIVE_INFINITY): Turns {
  const taken = new Map<string, number>()
  const waiting: string[] = []
  let isPaused = false
  const free = () => maxActive - [...taken.values()].reduce((sum, places) => sum + places, 0)
  const paused = 'the run is paused'

  return {
    async take(id, most, told) {
      const isMyTurn = () => !isPaused && free() > 0 && waiting[0] === id
      waiting.push(id)
      try {
        if (!isMyTurn()) {
          told.queued(isPaused ? paused : `max_active_tasks is ${maxActive}`)
          // Several may be let go at once by one change: each looks again.
          while (!isMyTurn()) await condition(isMyTurn)
          told.running()
        }
        const places = Math.min(most, free())
        taken.set(id, places)
        return places
      } finally {
        waiting.splice(waiting.indexOf(id), 1)
      }
    },
    give: (id) => void taken.delete(id),
    async untilResumed(told) {
      if (!isPaused) return
      told.queued(paused)
      while (isPaused) await condition(() => !isPaused)
      told.running()
    },
    setPaused(value) {
      isPaused = value
    },
  }
}
