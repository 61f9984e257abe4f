import { createHash } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export class WriteFailed extends Error {
  override readonly name = 'WriteFailed'
}

const chunkCharacters = 1 << 20

/**
 * Writes one file in large chunks, the next being made while the last is written. The file gets its
 * name only when complete, so that no reader ever finds half a delivery.
 */
export class FileSink {
  private readonly path: string
  private readonly handle: FileHandle
  private readonly hash = createHash('sha256')
  private text = ''
  private bytes = 0
  private writing: Promise<unknown> = Promise.resolve()

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.handle = handle
  }

  static async open(root: string, file: string): Promise<FileSink> {
    const path = join(root, file)
    return named(path, async () => {
      await mkdir(dirname(path), { recursive: true })
      return new FileSink(path, await open(`${path}.part`, 'w'))
    })
  }

  add(text: string): void {
    this.text += text
  }

  get isFull(): boolean {
    return this.text.length >= chunkCharacters
  }

  async drain(): Promise<void> {
    const chunk = Buffer.from(this.text)
    this.text = ''
    this.bytes += chunk.length
    this.hash.update(chunk)
    await named(this.path, () => this.writing)
    this.writing = this.handle.writeFile(chunk)
    // Its failure is met at the next drain; until then it must not count as unhandled.
    this.writing.catch(() => undefined)
  }

  async finish(): Promise<{ bytes: number; sha256: string }> {
    await this.drain()
    await named(this.path, async () => {
      await this.writing
      await this.handle.close()
      await rename(`${this.path}.part`, this.path)
    })
    return { bytes: this.bytes, sha256: this.hash.digest('hex') }
  }

  async abandon(): Promise<void> {
    await this.writing.catch(() => undefined)
    await this.handle.close()
    await rm(`${this.path}.part`, { force: true })
  }
}

/** Fills a file by `fill`; leaves nothing behind when that fails. */
export async function writeThroughSink<Result>(
  root: string,
  file: string,
  fill: (sink: FileSink) => Promise<Result>,
): Promise<{ result: Result; bytes: number; sha256: string }> {
  const sink = await FileSink.open(root, file)
  try {
    const result = await fill(sink)
    return { result, ...(await sink.finish()) }
  } catch (error) {
    await sink.abandon()
    throw error
  }
}

async function named<Result>(path: string, write: () => Promise<Result>): Promise<Result> {
  try {
    return await write()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new WriteFailed(
      `Cannot write ${path}: ${reason}. Free the disk or name a folder you may write to by --out`,
      { cause },
    )
  }
}
