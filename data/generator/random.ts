/** Streams keep draws for different purposes apart, so that adding one never shifts another. */
export const stream = {
  orderRole: 1,
  order: 2,
  eventRole: 3,
  session: 4,
  volume: 5,
  product: 6,
  price: 7,
  customer: 8,
  productDirt: 9,
  anomaly: 10,
  copyDistance: 11,
  orderDirt: 12,
  eventDirt: 13,
  shelf: 14,
} as const

function absorb(hash: number, value: number): number {
  let word = Math.imul(value, 0xcc9e2d51)
  word = (word << 15) | (word >>> 17)
  const mixed = hash ^ Math.imul(word, 0x1b873593)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

/** Murmur3 of four integers: a random-looking unsigned 32-bit number for any place in the shop. */
export function mix(seed: number, purpose: number, first: number, second: number): number {
  let hash = absorb(absorb(absorb(seed | 0, purpose), first), second)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const range = 2 ** 32

export function asShare(hash: number): number {
  return hash / range
}

/** Mulberry32. One object is reseeded for each record, so any record can be made again alone. */
export class Random {
  private state = 0

  seeded(seed: number): this {
    this.state = seed | 0
    return this
  }

  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let word = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word
    return (word ^ (word >>> 14)) >>> 0
  }

  share(): number {
    return this.next() / range
  }

  below(limit: number): number {
    return Math.floor((this.next() / range) * limit)
  }

  between(lowest: number, highest: number): number {
    return lowest + this.below(highest - lowest + 1)
  }

  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.share()))
    return radius * Math.cos(2 * Math.PI * this.share())
  }

  pick<Item>(list: readonly Item[]): Item {
    return itemAt(list, this.below(list.length))
  }
}

export function itemAt<Item>(list: readonly Item[], index: number): Item {
  const item = list[index]
  if (item === undefined) throw new RangeError(`No item ${index} in a list of ${list.length}`)
  return item
}
