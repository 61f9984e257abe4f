declare const signature: unique symbol

/** The name of an activity, with the types of its input and output. */
export interface ActivityRef<Input, Output> {
  readonly activityName: string
  readonly [signature]?: (input: Input) => Output
}

// Any signature is taken here; what does not fit is refused where the activity is used.
type AnyActivity = (...args: never[]) => Promise<unknown>

export type ActivityRefs<Activities> = {
  readonly [Name in keyof Activities]: Activities[Name] extends (
    ...args: infer Args
  ) => Promise<infer Output>
    ? ActivityRef<Args extends readonly [infer Input, ...unknown[]] ? Input : undefined, Output>
    : never
}

/** Typed names of activities: the code behind them is not loaded. */
export function activityRefs<
  Activities extends Record<keyof Activities, AnyActivity>,
>(): ActivityRefs<Activities>
export function activityRefs(): unknown {
  return new Proxy({}, { get: (_, name) => ({ activityName: String(name) }) })
}
