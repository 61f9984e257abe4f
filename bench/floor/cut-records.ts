/** What a cutter has seen of a file when its stream has ended. */
export interface Cut {
  readonly records: number
  /** Records that no COPY could take, by what is wrong with them. */
  readonly rejected: Readonly<Record<string, number>>
}

const byte = {
  tab: 9,
  lineFeed: 10,
  carriageReturn: 13,
  space: 32,
  quote: 34,
  comma: 44,
  openArray: 91,
  backslash: 92,
  closeArray: 93,
  open: 123,
  close: 125,
} as const

/**
 * The elements of one JSON array, each on a line of its own: bytes are exchanged where they are, none
 * is moved. Elements are cut, not parsed.
 */
export class JsonElements {
  #depth = 0
  #isInString = false
  #isEscaped = false
  #isEmpty = true
  #commas = 0

  get cut(): Cut {
    return { records: this.#isEmpty ? 0 : this.#commas + 1, rejected: {} }
  }

  /** Changes the chunk itself. Returns the part of it that belongs to the array. */
  push(chunk: Buffer): Buffer {
    for (let index = 0; index < chunk.length; index += 1) {
      const character = chunk[index] ?? byte.space
      if (this.#isInString) {
        if (this.#isEscaped) this.#isEscaped = false
        else if (character === byte.backslash) this.#isEscaped = true
        else if (character === byte.quote) this.#isInString = false
        continue
      }
      switch (character) {
        case byte.quote:
          this.#isInString = true
          this.#isEmpty = false
          break
        case byte.open:
        case byte.openArray:
          this.#depth += 1
          if (this.#depth === 1) chunk[index] = byte.space
          else this.#isEmpty = false
          break
        case byte.close:
        case byte.closeArray:
          this.#depth -= 1
          if (this.#depth > 0) break
          chunk[index] = byte.lineFeed
          return chunk.subarray(0, this.#isEmpty ? 0 : index + 1)
        case byte.comma:
          if (this.#depth > 1) break
          chunk[index] = byte.lineFeed
          this.#commas += 1
          break
        case byte.lineFeed:
        case byte.carriageReturn:
          chunk[index] = byte.space
          break
        case byte.space:
        case byte.tab:
          break
        default:
          this.#isEmpty = false
      }
    }
    return chunk
  }

  end(): Buffer {
    return Buffer.alloc(0)
  }
}

/** The lines of a CSV file that have as many fields as its header; quoted fields may hold anything. */
export class CsvLines {
  #rest = Buffer.alloc(0)
  #columns = 0
  #lines = 0
  #tooFew = 0
  #tooMany = 0

  get cut(): Cut {
    const rejected = { too_few_columns: this.#tooFew, too_many_columns: this.#tooMany }
    return { records: this.#lines - 1, rejected }
  }

  push(chunk: Buffer): Buffer {
    const text = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let [kept, copyFrom, start, fields] = [0, 0, 0, 1]
    let isQuoted = false
    for (let index = 0; index < text.length; index += 1) {
      const character = text[index]
      if (character === byte.quote) isQuoted = !isQuoted
      else if (isQuoted) continue
      else if (character === byte.comma) fields += 1
      else if (character === byte.lineFeed) {
        this.#lines += 1
        if (this.#lines === 1) this.#columns = fields
        if (fields !== this.#columns) {
          if (fields < this.#columns) this.#tooFew += 1
          else this.#tooMany += 1
          text.copyWithin(kept, copyFrom, start)
          kept += start - copyFrom
          copyFrom = index + 1
        }
        start = index + 1
        fields = 1
      }
    }
    text.copyWithin(kept, copyFrom, start)
    this.#rest = Buffer.from(text.subarray(start))
    return text.subarray(0, kept + start - copyFrom)
  }

  end(): Buffer {
    return this.#rest.length === 0 ? this.#rest : this.push(Buffer.from('\n'))
  }
}
