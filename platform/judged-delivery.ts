import { z } from 'zod'

const Outcome = z.object({
  /** Why the delivery was not taken at all: a type of domain/failures.ts, and its message. */
  refused: z.object({ type: z.string(), message: z.string() }).nullable(),
  /** Records in quarantine by broken rule; a record counts once for each rule it breaks. */
  quarantined: z.record(z.string(), z.number()),
  /** Records recognised as delivered before. */
  duplicates: z.number(),
  failedChecks: z.array(z.string()),
  /** Of the staged rows, free of their order and of where they stood; null when none were staged. */
  digest: z.string().nullable(),
})
/** What extract, transform and checks made of one delivery. */
export type Outcome = z.infer<typeof Outcome>

/** Passed from the process that judges to the command that asked, one a line. */
export const JudgedDelivery = z.object({ id: z.string(), outcome: Outcome })
export type JudgedDelivery = z.infer<typeof JudgedDelivery>

/** Deliveries of one day to judge in a database of their own, after days that are published first. */
export const JudgeJob = z.object({
  databaseUrl: z.string(),
  timeZone: z.string(),
  history: z.object({ landingDir: z.string(), dates: z.array(z.string()) }),
  date: z.string(),
  deliveries: z.array(z.object({ id: z.string(), source: z.string(), landingDir: z.string() })),
})
export type JudgeJob = z.infer<typeof JudgeJob>
