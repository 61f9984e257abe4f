import { expect, test } from 'vitest'
import { withoutMark } from '../../../platform/landing/text-start.ts'

/** What is left of a text whose bytes come one by one. */
async function read(text: Buffer): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of withoutMark(oneByOne(text))) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

async function* oneByOne(text: Buffer) {
  for (const byte of text) yield Buffer.from([byte])
}

test.each(['', '[', '[]', '[1]', '[1,2,3]'])(
  '%j is the same with a byte order mark',
  async (text) => {
    expect(await read(Buffer.from(`\ufeff${text}`))).toBe(text)
    expect(await read(Buffer.from(text))).toBe(text)
  },
)

test.each<[string, Buffer, RegExp]>([
  ['UTF-16', Buffer.from('[1]', 'utf16le'), /is UTF-16 text/],
  ['gzip', Buffer.from('1f8b0800000000', 'hex'), /is gzip, not text/],
])('%s is recognised', async (_, text, message) => {
  await expect(read(text)).rejects.toThrow(message)
})
