/** A stretch of a text, in UTF-16 units; `end` is the first that does not belong to it. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface JsonMember {
  readonly key: string
  readonly value: JsonNode
}

/** A value of a JSON text, and where it stands. */
export type JsonNode = Span &
  (
    | { readonly kind: 'object'; readonly members: readonly JsonMember[] }
    | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
    | { readonly kind: 'scalar' }
  )

/** Where a text stops being JSON. */
export class JsonFault extends Error {
  override name = 'JsonFault'
  readonly position: number

  constructor(position: number) {
    super(`no JSON at ${position}`)
    this.position = position
  }
}

/** Brackets in brackets that a record may have; PostgreSQL's own limit depends on its stack. */
export const deepestNesting = 200

/**
 * Where each value of a JSON text stands.
 * @throws JsonFault at the first character that JSON does not allow there
 */
export function placeJson(text: string): JsonNode {
  const places = new JsonPlaces(text)
  const root = places.value(0, 0)
  const end = places.skipBlanks(root.end)
  if (end < text.length) throw new JsonFault(end)
  return root
}

/** The member that counts of those with a key: the last, as in PostgreSQL's jsonb. */
export function memberOf(node: JsonNode | undefined, key: string): JsonNode | undefined {
  if (node?.kind !== 'object') return undefined
  return node.members.findLast((member) => member.key === key)?.value
}

class JsonPlaces {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  value(from: number, depth: number): JsonNode {
    const start = this.skipBlanks(from)
    if (depth > deepestNesting) throw new JsonFault(start)
    if (this.#text[start] === '{') return this.#object(start, depth)
    if (this.#text[start] === '[') return this.#array(start, depth)
    return { kind: 'scalar', start, end: this.#scalar(start) }
  }

  skipBlanks(from: number): number {
    return this.#match(/[ \t\n\r]*/y, from)
  }

  #object(start: number, depth: number): JsonNode {
    const members: JsonMember[] = []
    const end = this.#list(start, '}', (from) => {
      if (this.#text[from] !== '"') throw new JsonFault(from)
      const keyEnd = this.#scalar(from)
      const colon = this.skipBlanks(keyEnd)
      if (this.#text[colon] !== ':') throw new JsonFault(colon)
      const value = this.value(colon + 1, depth + 1)
      members.push({ key: String(JSON.parse(this.#text.slice(from, keyEnd))), value })
      return value.end
    })
    return { kind: 'object', start, end, members }
  }

  #array(start: number, depth: number): JsonNode {
    const items: JsonNode[] = []
    const end = this.#list(start, ']', (from) => {
      const item = this.value(from, depth + 1)
      items.push(item)
      return item.end
    })
    return { kind: 'array', start, end, items }
  }

  /** Reads what stands between brackets, one element after another; returns the end. */
  #list(start: number, closing: string, readElement: (from: number) => number): number {
    let at = this.skipBlanks(start + 1)
    if (this.#text[at] === closing) return at + 1
    for (;;) {
      at = this.skipBlanks(readElement(at))
      if (this.#text[at] === closing) return at + 1
      if (this.#text[at] !== ',') throw new JsonFault(at)
      at = this.skipBlanks(at + 1)
    }
  }

  #scalar(start: number): number {
    const pattern = this.#text[start] === '"' ? string : word
    const end = this.#match(pattern, start)
    if (end === start) throw new JsonFault(start)
    return end
  }

  /** The end of what matches at a place, or the place itself. */
  #match(pattern: RegExp, from: number): number {
    pattern.lastIndex = from
    return pattern.test(this.#text) ? pattern.lastIndex : from
  }
}

const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const word = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y
