/** A mail address, with or without a name for people. */
export interface MailAddress {
  readonly name: string
  readonly address: string
}

const maxAddressLength = 254
const plainAddress = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]*$/
const lineBreaking = /[\p{Cc}\u2028\u2029]/u

/**
 * Reads `name <address>` or `address`. Deliberately narrow: one address, no comments, groups or
 * quoted local parts, an international domain in its ASCII form.
 * @throws Error when it is anything else
 */
export function parseAddress(text: string): MailAddress {
  assertHeaderSafe(text, 'a mail address')
  const named = /^(?<name>[^<>]*)<(?<address>[^<>]*)>$/.exec(text.trim())
  const address = (named?.groups?.['address'] ?? text).trim()
  const name = (named?.groups?.['name'] ?? '').trim().replaceAll('"', '')
  const isPlain = plainAddress.test(address) && address.length <= maxAddressLength
  // An encoded line break is harmless until some later program decodes it.
  if (!isPlain || /%0[ad]/i.test(address)) {
    throw new Error(`Not a plain mail address: ${JSON.stringify(text)}; write name@example.org`)
  }
  return { name, address }
}

/**
 * Refuses what could start another header or end the mail: line breaks of any kind, NUL and other
 * control characters.
 */
export function assertHeaderSafe(value: string, what: string): void {
  if (!lineBreaking.test(value)) return
  throw new Error(`A line break or control character in ${what}: ${JSON.stringify(value)}`)
}
