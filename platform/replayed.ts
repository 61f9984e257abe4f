import { z } from 'zod'

/** What became of the replay of one recorded history: a line of what the replay process writes. */
export const Replayed = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('fits'),
    file: z.string(),
    workflowId: z.string(),
    /** How many decisions of the history today's code has taken the same way. */
    decisions: z.int(),
  }),
  z.object({
    outcome: z.literal('differs'),
    file: z.string(),
    workflowId: z.string(),
    /** The first decision that differs, in words. */
    difference: z.string(),
  }),
  z.object({ outcome: z.literal('unreadable'), file: z.string(), problem: z.string() }),
])
export type Replayed = z.infer<typeof Replayed>
