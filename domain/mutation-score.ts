/** What became of a delivery, as far as it can be compared with the good day's. */
export interface DeliveryOutcome {
  readonly refused: { readonly type: string } | null
  readonly quarantined: Readonly<Record<string, number>>
  readonly duplicates: number
  readonly failedChecks: readonly string[]
  readonly digest: string | null
}

/**
 * `caught`: something said so. `harmless`: nothing did, and the staged rows are those of the good day.
 * `survived`: nothing did, and other rows would have been published.
 */
export type Verdict = 'caught' | 'harmless' | 'survived'

export interface JudgedMutant {
  readonly id: string
  readonly source: string
  readonly kind: string
  readonly verdict: Verdict
  /** The refusals, rules and checks that caught it. */
  readonly caughtBy: readonly string[]
}

/** Share of mutants that has to be caught, of those that are not harmless. */
export const mutationGoal = 0.9

/** What says of a mutant what it does not say of the good day. */
export function judgeMutant(
  mutant: Pick<JudgedMutant, 'id' | 'source' | 'kind'>,
  outcome: DeliveryOutcome,
  good: DeliveryOutcome,
): JudgedMutant {
  const { id, source, kind } = mutant
  const rules = Object.entries(outcome.quarantined)
    .filter(([rule, records]) => records > (good.quarantined[rule] ?? 0))
    .map(([rule]) => `rule ${rule}`)
  const checks = outcome.failedChecks
    .filter((check) => !good.failedChecks.includes(check))
    .map((check) => `check ${check}`)
  const caughtBy = [
    ...(outcome.refused ? [`refused ${outcome.refused.type}`] : []),
    ...rules,
    ...checks,
    ...(outcome.duplicates > good.duplicates ? ['known duplicates'] : []),
  ]
  const isHarmless = outcome.digest === good.digest
  const verdict = caughtBy.length > 0 ? 'caught' : isHarmless ? 'harmless' : 'survived'
  return { id, source, kind, verdict, caughtBy }
}

/** Caught as a share of all that are not harmless; null when there are none. */
export function mutationScore(mutants: readonly JudgedMutant[]): number | null {
  const count = (verdict: Verdict) => mutants.filter((each) => each.verdict === verdict).length
  const harmful = count('caught') + count('survived')
  return harmful === 0 ? null : count('caught') / harmful
}
