/** An address that is not asked; the message says why, and what to do about it. */
export class RefusedAddressError extends Error {
  override name = 'RefusedAddress'
}

const mostRedirects = 5

/**
 * Asks an address, and those to which it leads, until one answers by itself. The scheme may change on the
 * way from http to https, and in no other way.
 * @throws RefusedAddressError for an address that is not http or https
 * @throws Error when it leads further than 5 times
 */
export async function followRedirects<Answer extends { readonly location: string | undefined }>(
  first: string,
  ask: (url: URL) => Promise<Answer>,
): Promise<Answer> {
  let url = webAddress(first, first)
  for (let hops = 0; hops <= mostRedirects; hops += 1) {
    const answer = await ask(url)
    if (answer.location === undefined) return answer
    url = webAddress(
      URL.parse(answer.location, url.href)?.href ?? answer.location,
      first,
      url.protocol,
    )
  }
  throw new Error(`${withoutSecrets(first)} was redirected more than ${mostRedirects} times`)
}

function webAddress(address: string, first: string, before?: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  const allowed = before === 'https:' ? ['https:'] : ['http:', 'https:']
  if (url !== undefined && allowed.includes(url.protocol)) return url
  const way = before === undefined ? '' : `${withoutSecrets(first)} leads to `
  throw new RefusedAddressError(
    `${way}${withoutSecrets(address)}, which is no address of ${allowed.join(' or ')}//`,
  )
}

/** An address for messages: its user, password, query and fragment may be keys. */
export function withoutSecrets(address: string): string {
  const url = URL.parse(address)
  // Without an authority that can be told apart, all before the last @ may be a password.
  if (url === null) return address.replace(/^.*@/s, '').replace(/[?#].*$/s, '')
  return `${url.protocol}//${url.host}${url.pathname}`
}
