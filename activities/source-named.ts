import type { Source, Sources } from '../platform/sources.ts'
import { badInput } from './bad-input.ts'

export function sourceNamed(sources: Sources, name: string): Source {
  const source = sources.get(name)
  if (source) return source
  throw badInput(`No source is named ${name}; known: ${[...sources.keys()].join(', ')}`)
}
