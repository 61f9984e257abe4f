import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import { buffer } from 'node:stream/consumers'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

/** What a test's mail server does with the next mails. */
export type MailServerMood = 'takes' | 'tempfails' | 'hardfails'

export interface MailServer {
  url: string
  port: number
  mails: Email[]
  mood: MailServerMood
  close(): Promise<void>
}

/** A real SMTP server on a free port (or the given one) that keeps what it takes, parsed. */
export async function startMailServer(
  port = 0,
  options: SMTPServerOptions = {},
): Promise<MailServer> {
  const mails: Email[] = []
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo(_address, _session, callback) {
      const reply = replies[server.mood]
      callback(reply ? Object.assign(new Error(reply.text), { responseCode: reply.code }) : null)
    },
    onData(stream, _session, callback) {
      const keep = async () => {
        mails.push(await PostalMime.parse(await buffer(stream)))
      }
      keep().then(() => callback(), callback)
    },
    ...options,
  })
  smtp.on('error', () => undefined)
  await new Promise<void>((resolve) => smtp.listen(port, '127.0.0.1', resolve))
  const { port: actualPort } = smtp.server.address() as AddressInfo
  const server: MailServer = {
    url: `smtp://127.0.0.1:${actualPort}`,
    port: actualPort,
    mails,
    mood: 'takes',
    close: () => new Promise((resolve) => smtp.close(resolve)),
  }
  return server
}

const replies = {
  takes: undefined,
  tempfails: { code: 451, text: 'greylisted, try later' },
  hardfails: { code: 550, text: 'no such mailbox' },
}

/**
 * A server that takes a mail and breaks the connection instead of saying so, the first `drops` times.
 */
export async function startDroppingMailServer(
  drops: number,
): Promise<{ url: string; taken: string[]; close(): Promise<void> }> {
  const taken: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    let received = ''
    let isInData = false
    socket.write('220 test\r\n')
    socket.on('data', (chunk) => {
      received += chunk.toString()
      if (isInData) {
        if (!received.endsWith('\r\n.\r\n')) return
        taken.push(received)
        received = ''
        isInData = false
        if (taken.length <= drops) socket.destroy()
        else socket.write('250 taken\r\n')
        return
      }
      const command = received.slice(0, 4).toUpperCase()
      received = ''
      isInData = command === 'DATA'
      socket.write(isInData ? '354 go on\r\n' : '250 fine\r\n')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url: `smtp://127.0.0.1:${port}`, taken, close }
}
