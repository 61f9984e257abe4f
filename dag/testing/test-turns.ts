/** The places among the active tasks of a run; who waits longest goes first. */
export interface TestTurns {
  /** Begins now, or when there is room. Returns whether it has to wait. */
  take(taskId: string, begin: () => void): boolean
  /** Of an instance that has ended. */
  give(taskId: string): void
  /** Of a task that has ended. */
  giveAll(taskId: string): void
  /** Of a task that is being stopped: what it has it keeps until it has ended. */
  leaveLine(taskId: string): void
}

interface Waiting {
  readonly taskId: string
  readonly begin: () => void
}

export function createTestTurns(maxActive = Number.POSITIVE_INFINITY): TestTurns {
  let working: readonly string[] = []
  let waiting: readonly Waiting[] = []

  const letIn = () => {
    while (working.length < maxActive) {
      const [next, ...later] = waiting
      if (next === undefined) return
      waiting = later
      working = [...working, next.taskId]
      next.begin()
    }
  }

  return {
    take(taskId, begin) {
      const hasToWait = waiting.length > 0 || working.length >= maxActive
      waiting = [...waiting, { taskId, begin }]
      letIn()
      return hasToWait
    },
    give(taskId) {
      const index = working.indexOf(taskId)
      working = index === -1 ? working : working.toSpliced(index, 1)
      letIn()
    },
    leaveLine(taskId) {
      waiting = waiting.filter((one) => one.taskId !== taskId)
    },
    giveAll(taskId) {
      working = working.filter((one) => one !== taskId)
      letIn()
    },
  }
}
