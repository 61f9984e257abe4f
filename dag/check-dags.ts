import { datasetsIn } from './datasets.ts'
import type { Dag } from './define-dag.ts'
import { findCircle } from './find-circle.ts'
import { refusalOf } from './run-type.ts'
import { InvalidDag } from './validate-graph.ts'

/**
 * Hands back the DAGs after looking at what lies between them.
 * @throws InvalidDag naming runs of DAGs that there are not or that take no such runs, and DAGs that start
 * each other in a circle
 */
export function checkDags(dags: readonly Dag[]): readonly Dag[] {
  const known = new Map(dags.map((dag) => [dag.id, dag]))
  const problems = dags.flatMap((dag) =>
    [...runDagsOf(dag)].flatMap((other) => problemOfRun(dag.id, other, known) ?? []),
  )
  const circle = findCircle(new Map(dags.map((dag) => [dag.id, startedBy(dag, dags)])))
  if (circle !== undefined) {
    problems.push(
      `DAGs start each other in a circle, by runs or by datasets: ${circle.join(' -> ')}`,
    )
  }
  if (problems.length === 0) return dags
  throw new InvalidDag(
    `The DAGs cannot be used together:\n${problems.map((one) => `  ${one}`).join('\n')}`,
  )
}

/** Why a DAG cannot run another one, in words; undefined if it can. */
function problemOfRun(
  dagId: string,
  otherId: string,
  known: ReadonlyMap<string, Dag>,
): string | undefined {
  const other = known.get(otherId)
  if (other === undefined) {
    return `${dagId} runs ${otherId}, which is not in the list of DAGs; add it there`
  }
  const refusal = refusalOf(other, 'operator_triggered')
  return refusal && `${dagId} runs ${otherId}, but ${refusal}`
}

function runDagsOf({ graph }: Dag): Set<string> {
  return new Set(graph.tasks.flatMap((task) => task.otherRun?.dagId ?? []))
}

/** The DAGs whose runs a run of this one starts, as its tasks or by what it writes. */
function startedBy(dag: Dag, dags: readonly Dag[]): string[] {
  const written = new Set(dag.graph.tasks.flatMap((task) => task.outlets ?? []))
  const consumers = dags.filter(
    ({ datasets }) => datasets && datasetsIn(datasets).some((name) => written.has(name)),
  )
  return [...runDagsOf(dag), ...consumers.map((consumer) => consumer.id)]
}
