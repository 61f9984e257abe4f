import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect, createServer } from 'node:net'

/**
 * A way to a server that a test may cut: connections break, and new ones are refused until it is mended.
 * A silenced one keeps its connections, and carries nothing more over them.
 */
export async function breakableWay(serverPort: number) {
  const sockets = new Set<Socket>()
  const way = createServer((socket) => {
    const onward = connect(serverPort, '127.0.0.1')
    for (const [end, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(end)
      end.on('error', () => undefined)
      end.on('close', () => other.destroy())
      end.pipe(other)
    }
  })
  const open = async (port: number) => {
    way.listen(port, '127.0.0.1')
    await once(way, 'listening')
    const address = way.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return address.port
  }
  const cut = async () => {
    const closed = once(way, 'close')
    way.close()
    for (const socket of sockets) socket.resetAndDestroy()
    sockets.clear()
    await closed
  }
  const silence = () => {
    for (const socket of sockets) socket.unpipe().pause()
  }
  const port = await open(0)
  return { port, cut, mend: () => open(port), silence }
}
