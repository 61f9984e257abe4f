/** Makes a local activity wait for those that were called before it. */
export type InTurn = <Args extends unknown[], Result>(
  work: (...args: Args) => Promise<Result>,
) => (...args: Args) => Promise<Result>

/**
 * One local activity at a time in a workflow. Those that end in one workflow task are handed back one
 * by one the first time, but together on replay, where what follows them could come in another order.
 */
export function createLocalQueue(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (work) =>
    (...args) => {
      const result = last.then(() => work(...args))
      last = result.catch(() => undefined)
      return result
    }
}
