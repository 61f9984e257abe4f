import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import PostalMime from 'postal-mime'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMailer, messageIdFor, type OutgoingMail } from '../../platform/mail.ts'
import {
  startDroppingMailServer,
  startMailServer,
  type MailServer,
} from '../support/mail-server.ts'

const mail: OutgoingMail = {
  to: 'books@example.org',
  subject: 'Daybook: 2 findings — Zoë',
  text: 'Two findings.\n.\nA line that is a dot, before this one.\n',
  html: '<p>Two findings.</p>',
  messageId: messageIdFor('key 1', 'Daybook <daybook@example.org>'),
  date: new Date('2025-12-14T02:00:00Z'),
}

let homeDir: string
let server: MailServer | undefined
beforeEach(async () => {
  homeDir = await mkdtemp(join(tmpdir(), 'daybook-mail-'))
})
afterEach(async () => {
  await server?.close()
  server = undefined
  await rm(homeDir, { recursive: true })
})

function mailer(smtpUrl: string | undefined) {
  return createMailer({ smtpUrl, homeDir, mailFrom: 'Day Book <daybook@example.org>' })
}

test('a mail arrives whole, once, with the given Message-ID', async () => {
  server = await startMailServer()
  expect(await mailer(server.url).send(mail)).toEqual({ state: 'sent' })
  expect(server.mails).toHaveLength(1)
  expect(server.mails[0]).toMatchObject({
    from: { name: 'Day Book', address: 'daybook@example.org' },
    to: [{ address: 'books@example.org' }],
    subject: mail.subject,
    messageId: mail.messageId,
    date: '2025-12-14T02:00:00.000Z',
  })
  expect(server.mails[0]?.text?.trim()).toBe(mail.text.trim())
  expect(server.mails[0]?.html?.trim()).toBe(mail.html)
})

test('the Message-ID is the same for the same key, and another for another', () => {
  const from = 'Daybook <daybook@example.org>'
  expect(messageIdFor('key 1', from)).toBe(mail.messageId)
  expect(messageIdFor('key 2', from)).not.toBe(mail.messageId)
  expect(mail.messageId).toMatch(/^<[0-9a-f]{40}@example\.org>$/)
})

describe('without a mail server', () => {
  test('the mail is kept as a file that mail programs open', async () => {
    const outcome = await mailer(undefined).send(mail)
    const [name] = await readdir(join(homeDir, 'mail'))
    expect(outcome).toEqual({ state: 'kept', path: join(homeDir, 'mail', name ?? '') })
    expect(name).toMatch(/^daybook-2-findings-zo-[0-9a-f]{8}\.eml$/)
    const kept = await PostalMime.parse(await readFile(join(homeDir, 'mail', name ?? '')))
    expect(kept).toMatchObject({ subject: mail.subject, messageId: mail.messageId })
  })

  test('a resend overwrites the file of the same mail', async () => {
    await mailer(undefined).send(mail)
    await mailer(undefined).send(mail)
    expect(await readdir(join(homeDir, 'mail'))).toHaveLength(1)
  })
})

describe('headers cannot be injected', () => {
  const breaks = ['\r\n', '\r', '\n', '\0', '\u2028', '\u2029', '\u0085']
  test.each(breaks)('with %j in the subject, the address or the Message-ID', async (lineBreak) => {
    server = await startMailServer()
    const injected = `x${lineBreak}Bcc: thief@example.org`
    const messages = [
      { ...mail, subject: injected },
      { ...mail, to: `books@example.org${lineBreak}Bcc: thief@example.org` },
      { ...mail, messageId: `<a@b>${lineBreak}Bcc: thief@example.org` },
    ]
    for (const message of messages) {
      expect((await mailer(server.url).send(message)).state).toBe('refused')
    }
    expect(server.mails).toEqual([])
  })

  test('a sender with a line break stops the start', () => {
    const config = { smtpUrl: undefined, homeDir, mailFrom: 'x\r\nBcc: t@example.org <a@b.org>' }
    expect(() => createMailer(config)).toThrow(/mail address/)
  })
})

describe('a server that does not take the mail', () => {
  test('is down: the mail is postponed', async () => {
    server = await startMailServer()
    const { url } = server
    await server.close()
    server = undefined
    expect(await mailer(url).send(mail)).toMatchObject({ state: 'postponed', isServerDown: true })
  })

  test('4xx: postponed, and other mails may still go', async () => {
    server = await startMailServer()
    server.mood = 'tempfails'
    const outcome = await mailer(server.url).send(mail)
    expect(outcome).toMatchObject({ state: 'postponed', isServerDown: false })
    expect(outcome).toHaveProperty('reason', expect.stringContaining('greylisted'))
  })

  test('5xx: refused for good', async () => {
    server = await startMailServer()
    server.mood = 'hardfails'
    const outcome = await mailer(server.url).send(mail)
    expect(outcome).toMatchObject({ state: 'refused' })
    expect(outcome).toHaveProperty('reason', expect.stringContaining('no such mailbox'))
  })

  test('takes it but drops the connection: postponed as unknown, same Message-ID again', async () => {
    const dropping = await startDroppingMailServer(1)
    const first = await mailer(dropping.url).send(mail)
    expect(first).toMatchObject({ state: 'postponed' })
    expect(first).toHaveProperty('reason', expect.stringContaining('unknown'))
    expect(await mailer(dropping.url).send(mail)).toEqual({ state: 'sent' })
    expect(dropping.taken).toHaveLength(2)
    for (const text of dropping.taken) expect(text).toContain(`Message-ID: ${mail.messageId}`)
    await dropping.close()
  })

  test('needs TLS that the server does not offer: postponed, nothing sent in the clear', async () => {
    server = await startMailServer()
    const outcome = await mailer(`${server.url}?requireTLS=true`).send(mail)
    expect(outcome).toMatchObject({ state: 'postponed', isServerDown: true })
    expect(server.mails).toEqual([])
  })

  test('wrong password: postponed, and the reason holds neither password nor login', async () => {
    const password = 'p@ss/w0rd-secret'
    server = await startMailServer(0, {
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: (auth, _session, callback) =>
        callback(new Error(`535 wrong: ${auth.username} ${auth.password}`)),
    })
    const url = `smtp://clerk:${encodeURIComponent(password)}@127.0.0.1:${server.port}`
    const outcome = await mailer(url).send(mail)
    expect(outcome).toMatchObject({ state: 'postponed', isServerDown: true })
    expect(JSON.stringify(outcome)).not.toMatch(/w0rd|clerk/)
  })

  test('repeats the password in another refusal: it is hidden', async () => {
    const password = 'p@ss/w0rd-secret'
    server = await startMailServer(0, {
      allowInsecureAuth: true,
      onAuth: (auth, _session, callback) => callback(null, { user: auth.username }),
      onMailFrom: (_address, _session, callback) =>
        callback(Object.assign(new Error(`not for ${password}`), { responseCode: 550 })),
    })
    const url = `smtp://clerk:${encodeURIComponent(password)}@127.0.0.1:${server.port}`
    const outcome = await mailer(url).send(mail)
    expect(outcome).toMatchObject({ state: 'refused' })
    expect(outcome).toHaveProperty('reason', expect.stringContaining('not for ***'))
  })
})
