import type { Decision } from './decision.ts'
import type { RecordedDecision } from './recorded-decisions.ts'

interface Difference {
  readonly eventId: number
  readonly words: string
}

/**
 * The first decision in which a history and today's code part, in words; undefined if all that is
 * compared is the same. Only asked when Temporal has found that they part: a history may be unfinished.
 */
export function firstDifference(
  recorded: readonly RecordedDecision[],
  made: readonly Decision[],
): string | undefined {
  const found = [
    differenceInLane('main', recorded, made),
    differenceInLane('local', recorded, made),
    unknownPatch(recorded, made),
  ].filter((difference) => difference !== undefined)
  return found.sort((a, b) => a.eventId - b.eventId)[0]?.words
}

function differenceInLane(
  lane: Decision['lane'],
  recorded: readonly RecordedDecision[],
  made: readonly Decision[],
): Difference | undefined {
  const before = recorded.filter(({ decision }) => decision.lane === lane)
  const today = made.filter((decision) => decision.lane === lane)
  const index = before.findIndex(({ decision }, at) => decision.past !== today[at]?.past)
  const [old, now] = [before[index], today[index === -1 ? before.length : index]]
  if (old !== undefined) {
    const { eventId, decision } = old
    const instead = (now ?? unknownLocalActivity(recorded, made, eventId))?.present ?? 'does not'
    const words = `event ${eventId}: the history ${decision.past}, today's code ${instead}`
    return { eventId, words }
  }
  if (now === undefined) return undefined
  const words = `after its last decision the history has none, today's code ${now.present}`
  return { eventId: Number.MAX_SAFE_INTEGER, words }
}

/** What today's code waits for where it decides nothing that the history has. */
function unknownLocalActivity(
  recorded: readonly RecordedDecision[],
  made: readonly Decision[],
  beforeEventId: number,
): Decision | undefined {
  const before = recorded.filter(({ decision }) => decision.lane === 'local')
  const at = before.filter(({ eventId }) => eventId < beforeEventId).length
  const now = made.filter(({ lane }) => lane === 'local')[at]
  return now?.past === before[at]?.decision.past ? undefined : now
}

/** Today's code may go by patches that an old history does not know, not the other way round. */
function unknownPatch(
  recorded: readonly RecordedDecision[],
  made: readonly Decision[],
): Difference | undefined {
  const today = new Set(made.map((decision) => decision.past))
  const old = recorded.find(({ decision: { lane, past } }) => lane === 'patch' && !today.has(past))
  if (old === undefined) return undefined
  const { eventId, decision } = old
  const words = `event ${eventId}: the history ${decision.past}, today's code does not`
  return { eventId, words }
}
