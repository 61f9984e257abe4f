import { connect, createServer } from 'node:net'

const host = '127.0.0.1'

/** The first of the preferred ports that nothing listens on, or any free one. */
export async function chooseFreePort(preferred: number[]): Promise<number> {
  for (const port of preferred) {
    if (await isPortFree(port)) return port
  }
  return bindPort(0)
}

export function preferredPorts(...ports: (number | undefined)[]): number[] {
  return ports.filter((port) => port !== undefined)
}

/** Starts something on a free port; on another one if somebody took that port in the meantime. */
export async function onFreePort<T>(
  preferred: number[],
  start: (port: number) => Promise<T>,
): Promise<T> {
  try {
    return await start(await chooseFreePort(preferred))
  } catch (error) {
    if (!(error instanceof Error) || !/address already in use/i.test(error.message)) throw error
    return start(await chooseFreePort([]))
  }
}

export async function isPortFree(port: number): Promise<boolean> {
  // macOS lets a second server bind 127.0.0.1 beside one that listens on all addresses.
  if (await isListening(port)) return false
  return bindPort(port).then(
    () => true,
    () => false,
  )
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 500 })
    const answer = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
    socket.once('timeout', () => answer(false))
  })
}

function bindPort(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port }, () => {
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => resolve(bound))
    })
  })
}
