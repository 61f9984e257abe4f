import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** `drops` takes a mail and breaks the connection instead of saying so; `refuses` says 451. */
export type MailMood = 'takes' | 'slow' | 'refuses' | 'drops' | 'down'

export interface MailServer {
  readonly url: string
  /** Message-IDs of the mails taken, in their order; one that was taken twice is there twice. */
  readonly taken: string[]
  /** How often each mood was met by a client. */
  readonly met: Partial<Record<MailMood, number>>
  setMood(mood: MailMood): Promise<void>
  close(): Promise<void>
}

const slowReplyMs = 3_000

/** An SMTP server on a free port of 127.0.0.1 whose mood can change at any time. */
export async function startMailServer(): Promise<MailServer> {
  const taken: string[] = []
  const met: MailServer['met'] = {}
  const sockets = new Set<Socket>()
  let mood: MailMood = 'takes'
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    const said = mood
    met[said] = (met[said] ?? 0) + 1
    if (said === 'down') socket.destroy()
    else talk(socket, said, taken)
  })
  const port = await listen(server, 0)
  const hangUp = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    ...{ url: `smtp://127.0.0.1:${port}`, taken, met },
    async setMood(next) {
      if (next === mood) return
      mood = next
      if (next === 'down') hangUp()
    },
    async close() {
      hangUp()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('not listening')
  return address.port
}

const endOfMail = '\r\n.\r\n'

function talk(socket: Socket, mood: MailMood, taken: string[]): void {
  let received = ''
  let isInData = false
  socket.setEncoding('utf8')
  socket.write('220 chaos\r\n')
  socket.on('data', (chunk) => {
    received += String(chunk)
    if (!received.endsWith(isInData ? endOfMail : '\r\n')) return
    const [text, wasInData] = [received, isInData]
    received = ''
    isInData = false
    if (wasInData) return takeMail(text)
    const command = text.slice(0, 4).toUpperCase()
    isInData = command === 'DATA'
    if (command === 'RCPT' && mood === 'refuses') socket.write('451 later\r\n')
    else
      socket.write(isInData ? '354 go on\r\n' : command === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n')
  })
  const takeMail = (text: string) => {
    taken.push(messageIdOf(text))
    if (mood === 'drops') return void socket.destroy()
    void sleep(mood === 'slow' ? slowReplyMs : 0).then(() => socket.write('250 taken\r\n'))
  }
}

function messageIdOf(mail: string): string {
  return /^Message-ID:\s*(<[^>]+>)/im.exec(mail)?.[1] ?? 'without Message-ID'
}
