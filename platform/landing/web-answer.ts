import { lookup, type LookupAddress } from 'node:dns'
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { followRedirects, RefusedAddressError, withoutSecrets } from '../follow-redirects.ts'

/**
 * What an address answers, also where it leads elsewhere, but not into a private network: whoever runs
 * an API must not choose what Daybook asks there. The address itself is the operator's choice.
 * @throws RefusedAddressError
 */
export async function askWeb(first: string, signal: AbortSignal): Promise<IncomingMessage> {
  const own = URL.parse(first)?.host
  const { response } = await followRedirects(first, async (url) => {
    const isElsewhere = url.host !== own
    if (isElsewhere) refusePrivateHost(url, first)
    const asked = await get(url, signal, isElsewhere ? publicOnly(url, first) : undefined)
    const isRedirect = [301, 302, 303, 307, 308].includes(asked.statusCode ?? 0)
    if (isRedirect) asked.resume()
    return { response: asked, location: isRedirect ? asked.headers.location : undefined }
  })
  return response
}

function get(url: URL, signal: AbortSignal, resolve: LookupFunction | undefined) {
  const headers = { accept: 'application/json', 'accept-encoding': 'identity' }
  const options = { signal, headers, agent: false, ...(resolve ? { lookup: resolve } : {}) }
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise<IncomingMessage>((answered, failed) => {
    request(url, options, answered).on('error', failed).end()
  })
}

const privateNetworks = new BlockList()
const networks: readonly [string, number, 'ipv4' | 'ipv6'][] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 127, 'ipv6'],
  ['64:ff9b::', 96, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
]
for (const [network, bits, family] of networks) privateNetworks.addSubnet(network, bits, family)

function isPrivate(address: string): boolean {
  return privateNetworks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

function refusePrivateHost(url: URL, first: string): void {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (isIP(host) !== 0 && isPrivate(host)) throw leadsInside(url, first)
}

/** Looks at the addresses that are connected to: asking twice could give two answers. */
function publicOnly(url: URL, first: string): LookupFunction {
  return (hostname, options, done) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      const [address] = addresses ?? []
      if (error || address === undefined) done(error, '')
      else if (addresses.some((one) => isPrivate(one.address))) done(leadsInside(url, first), '')
      else if (options.all) done(null, addresses)
      else done(null, address.address, address.family)
    })
  }
}

function leadsInside(url: URL, first: string): RefusedAddressError {
  return new RefusedAddressError(
    `${withoutSecrets(first)} leads to ${withoutSecrets(url.href)}, an address of a private network. ` +
      'If that is right, give that address in the setting itself',
  )
}
