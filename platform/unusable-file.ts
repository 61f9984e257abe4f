const reasons = new Map([
  ['ENOENT', 'it is not there; check the path, which counts from the folder of the command'],
  ['EACCES', 'this user may not; change its permissions, or name another'],
  ['EPERM', 'this user may not; change its permissions, or name another'],
  ['EROFS', 'its disk is read-only; name a place on another'],
  ['EISDIR', 'it is a folder; name a file'],
  ['ENOTDIR', 'a file is where a folder has to be; check the path'],
  ['EEXIST', 'a file is where a folder has to be; check the path'],
  ['ENOSPC', 'its disk is full; free some space, or name another place'],
])

/** Why a file or folder that a person has named cannot be used, and what to do about it. */
export function whyUnusable(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const words = error instanceof Error ? error.message : String(error)
  return `${path} cannot be used: ${reasons.get(code) ?? words}`
}
