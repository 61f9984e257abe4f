/** What a cutter has seen of a file when its stream has ended. */
export interface Cut {
  readonly records: number
  /** Records that no COPY could take, by what is wrong with them. */
  readonly rejected: Readonly<Record<string, number>>
}

const [lineFeed, carriageReturn, space, tab] = [10, 13, 32, 9] as const
const [quote, comma, backslash] = [34, 44, 92] as const
const [openArray, closeArray, open, close] = [91, 93, 123, 125] as const

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
    const length = chunk.length
    let depth = this.#depth
    let index = this.#isInString ? this.#endOfString(chunk, 0) : 0
    for (; index < length; index += 1) {
      const character = chunk[index]
      if (character === quote) {
        this.#isEmpty = false
        index = this.#endOfString(chunk, index + 1) - 1
      } else if (character === comma) {
        if (depth > 1) continue
        chunk[index] = lineFeed
        this.#commas += 1
      } else if (character === open || character === openArray) {
        depth += 1
        if (depth === 1) chunk[index] = space
        else this.#isEmpty = false
      } else if (character === close || character === closeArray) {
        depth -= 1
        if (depth > 0) continue
        chunk[index] = lineFeed
        return chunk.subarray(0, this.#isEmpty ? 0 : index + 1)
      } else if (character === lineFeed || character === carriageReturn) {
        chunk[index] = space
      } else if (character !== space && character !== tab) this.#isEmpty = false
    }
    this.#depth = depth
    return chunk
  }

  /** The place after the quote that ends the string, or the end of the chunk. */
  #endOfString(chunk: Buffer, from: number): number {
    let isEscaped = this.#isEscaped
    for (let index = from; index < chunk.length; index += 1) {
      const character = chunk[index]
      if (isEscaped) isEscaped = false
      else if (character === backslash) isEscaped = true
      else if (character === quote) {
        this.#isEscaped = false
        this.#isInString = false
        return index + 1
      }
    }
    this.#isEscaped = isEscaped
    this.#isInString = true
    return chunk.length
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
    const length = text.length
    let kept = 0
    let copyFrom = 0
    let start = 0
    let fields = 1
    let isQuoted = false
    for (let index = 0; index < length; index += 1) {
      const character = text[index]
      if (character === comma) {
        if (!isQuoted) fields += 1
      } else if (character === quote) {
        isQuoted = !isQuoted
      } else if (character === lineFeed && !isQuoted) {
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
