import { datasetsIn } from './datasets.ts'
import type { Dag } from './define-dag.ts'
import { InvalidDag } from './validate-graph.ts'

/**
 * Hands back the DAGs after looking at what lies between them.
 * @throws InvalidDag naming runs of DAGs that there are not, and DAGs that start each other in a circle
 */
export function checkDags(dags: readonly Dag[]): readonly Dag[] {
  const ids = new Set(dags.map((dag) => dag.id))
  const problems = dags.flatMap((dag) => [...runDagsOf(dag)].flatMap(unknownIn(dag, ids)))
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

const unknownIn = (dag: Dag, ids: ReadonlySet<string>) => (other: string) =>
  ids.has(other) ? [] : [`${dag.id} runs ${other}, which is not in the list of DAGs; add it there`]

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

function findCircle(next: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  const visit = (id: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(id)) return [...path.slice(path.indexOf(id)), id]
    if (done.has(id)) return undefined
    for (const other of next.get(id) ?? []) {
      const circle = visit(other, [...path, id])
      if (circle) return circle
    }
    done.add(id)
    return undefined
  }
  for (const id of next.keys()) {
    const circle = visit(id, [])
    if (circle) return circle
  }
  return undefined
}
