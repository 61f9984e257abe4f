import type { Check } from './checks-kinds.ts'
import type { Contract, Family } from './contracts/contract.ts'
import { mixesOf } from './profile.ts'

const base = { severity: 'warn', scan: 'model', needsHistory: true, unit: 'ratio' } as const

/** The mix that has a check of its own, by family. */
const leadingMix: Readonly<Record<Family, { id: string; mix: string; words: string } | undefined>> =
  {
    order_lines: { id: 'status_drift', mix: 'status', words: 'statuses' },
    events: { id: 'type_drift', mix: 'event_type', words: 'event types' },
    products: undefined,
  }

/**
 * Checks of a day against the profiles of the 14 published days before it; each takes the column that
 * is furthest off. Nothing is judged before 7 such days.
 */
export function learnedChecks(contract: Contract): Check[] {
  const leading = leadingMix[contract.family]
  const others = mixesOf(contract).map(({ name }) => name)
  return [
    ...(leading ? [mixCheck(leading.id, [leading.mix], `the mix of ${leading.words}`)] : []),
    mixCheck(
      'mix_drift',
      others.filter((name) => name !== leading?.mix),
      'any other mix (kinds, hours, days late, lengths of keys)',
    ),
    usualCheck('share', 'shares (missing, lower case, odd characters)'),
    usualCheck('level', 'levels (amount, length, variety)'),
  ]
}

function mixCheck(id: string, about: readonly string[], words: string): Check {
  return {
    ...base,
    id,
    measure: 'checks/mix_drift',
    about,
    max: 0.25,
    words: `distance (PSI) of ${words} from the 14 days before`,
  }
}

function usualCheck(kind: 'share' | 'level', words: string): Check {
  return {
    ...base,
    id: `usual_${kind}s`,
    measure: 'checks/usual_measures',
    about: [kind],
    max: 6,
    words: `spreads between a column's ${words} and the usual ones`,
  }
}
