/** The first way from an id over the next ones back to itself, with that id at both ends; undefined if none. */
export function findCircle(next: ReadonlyMap<string, readonly string[]>): string[] | undefined {
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
