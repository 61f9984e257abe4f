import { homedir, platform } from 'node:os'
import { join } from 'node:path'

/** Folder for things that are costly to fetch and shared by all checkouts of one user. */
export function userCacheDir(): string {
  const configured = process.env['XDG_CACHE_HOME']
  if (configured !== undefined && configured !== '') return join(configured, 'daybook')
  if (platform() === 'darwin') return join(homedir(), 'Library', 'Caches', 'daybook')
  return join(homedir(), '.cache', 'daybook')
}
