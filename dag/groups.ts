import type { Upstream } from './task-options.ts'
import type { TaskNode } from './graph.ts'

/** The groups that a task is in, the outermost first: `a` and `a.b` of `a.b.load`. */
export function groupsOf(taskId: string): string[] {
  const parts = taskId.split('.').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('.'))
}

/** @throws Error for an id with a dot, which only a group may put into it */
export function assertLocal(id: string): void {
  if (!id.includes('.')) return
  const [group = '', ...rest] = id.split('.')
  throw new Error(
    `The id "${id}" has a dot; for a task in a group write group('${group}', ({ task }) => ` +
      `task('${rest.join('.')}', …))`,
  )
}

/** The tasks that `after` means: of a group its leaves. */
export function idsOf(after: readonly Pick<Upstream<string>, 'id' | 'leaves'>[] = []): string[] {
  return after.flatMap(({ id, leaves }) => leaves ?? [id])
}

/**
 * The tasks of a group that nothing in it comes after. Its teardowns are none, as in Airflow: what
 * comes after the group does not wait for them.
 */
export function leavesOf(members: readonly TaskNode[]): string[] {
  const workers = members.filter((task) => task.teardown === undefined)
  const counted = workers.length === 0 ? members : workers
  return counted
    .filter(({ id }) => counted.every((task) => !task.upstream.includes(id)))
    .map((task) => task.id)
}

/** The tasks of a group with its roots, those that come after none of the others, after `upstream`. */
export function startAfter<Placed extends { readonly node: TaskNode }>(
  members: readonly Placed[],
  upstream: readonly string[],
): readonly Placed[] {
  const inside = new Set(members.map(({ node }) => node.id))
  return members.map((member) => {
    const { node } = member
    if (node.upstream.some((id) => inside.has(id))) return member
    return { ...member, node: { ...node, upstream: [...new Set([...node.upstream, ...upstream])] } }
  })
}
