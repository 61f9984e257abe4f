import { createHash } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import nodemailer from 'nodemailer'
import { z } from 'zod'
import { assertHeaderSafe, parseAddress, type MailAddress } from '../domain/mail-address.ts'
import { toOneLine } from '../domain/mail-document.ts'
import type { Config } from './config.ts'

export interface OutgoingMail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly messageId: string
  /** When the mail was written, not when it is sent: a resend is the same mail. */
  readonly date: Date
}

/** `refused`: trying again cannot help. `postponed`: it can, also when it is unknown what happened. */
export type MailOutcome =
  | { state: 'sent' }
  | { state: 'kept'; path: string }
  | { state: 'refused'; reason: string }
  | { state: 'postponed'; reason: string; isServerDown: boolean }

export interface Mailer {
  send(mail: OutgoingMail): Promise<MailOutcome>
}

type MailConfig = Pick<Config, 'smtpUrl' | 'mailFrom' | 'homeDir'>
type Deliver = (mail: OutgoingMail, from: MailAddress) => Promise<MailOutcome>

const timeouts = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 }

/**
 * Sends mails to the SMTP server of the settings; without one keeps them as `.eml` files in
 * `<homeDir>/mail`. Outcomes are values, and their reasons hold no secret.
 * @throws Error when MAIL_FROM is not one mail address
 */
export function createMailer(config: MailConfig): Mailer {
  const from = parseAddress(config.mailFrom)
  const deliver = config.smtpUrl ? deliverBySmtp(config.smtpUrl) : keepIn(config.homeDir)
  return {
    async send(mail) {
      const problem = findHeaderProblem(mail)
      return problem ? { state: 'refused', reason: problem } : deliver(mail, from)
    },
  }
}

/** The same for the same key, so that a resend can be recognised as such by the receiving side. */
export function messageIdFor(dedupeKey: string, mailFrom: string): string {
  const domain = parseAddress(mailFrom).address.split('@')[1] ?? ''
  return `<${createHash('sha256').update(dedupeKey).digest('hex').slice(0, 40)}@${domain}>`
}

function findHeaderProblem(mail: OutgoingMail): string | undefined {
  try {
    parseAddress(mail.to)
    assertHeaderSafe(mail.subject, 'the subject')
    assertHeaderSafe(mail.messageId, 'the Message-ID')
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function toMessage(mail: OutgoingMail, from: MailAddress) {
  const { messageId, subject, text, html, date } = mail
  return {
    from,
    to: parseAddress(mail.to),
    messageId,
    subject,
    text,
    html,
    date,
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  }
}

function deliverBySmtp(url: string): Deliver {
  const transport = nodemailer.createTransport({ url, ...timeouts })
  const hideSecrets = secretHider(url)
  return async (mail, from) => {
    try {
      await transport.sendMail(toMessage(mail, from))
      return { state: 'sent' }
    } catch (error) {
      return outcomeOf(error, hideSecrets)
    } finally {
      transport.close()
    }
  }
}

/** The parts of nodemailer's errors that tell what to do next. */
const SmtpError = z.object({
  message: z.string(),
  code: z.string().optional(),
  command: z.string().optional(),
  responseCode: z.number().optional(),
})

const aboutThisMail = new Set(['EENVELOPE', 'EMESSAGE'])
/** Replies that ask for a login: a matter of the settings, so the mail waits for them to be right. */
const loginReplies = new Set([530, 534, 535, 538])

function outcomeOf(error: unknown, hideSecrets: (text: string) => string): MailOutcome {
  const { message, code, responseCode } = SmtpError.parse(error)
  if (code === 'EAUTH' || (responseCode && loginReplies.has(responseCode))) {
    const reply = responseCode ? ` (${responseCode})` : ''
    const reason = `The mail server refused the login${reply}; check user and password of SMTP_URL`
    return { state: 'postponed', reason, isServerDown: true }
  }
  const reason = hideSecrets(toOneLine(message)).slice(0, 500)
  if (code && aboutThisMail.has(code)) {
    const isFinal = responseCode === undefined || responseCode >= 500
    return isFinal
      ? { state: 'refused', reason }
      : { state: 'postponed', reason, isServerDown: false }
  }
  const isUnknown = code === 'ECONNECTION' || code === 'ETIMEDOUT'
  const doubt = isUnknown ? '; whether the server took the mail is unknown, it is sent again' : ''
  return { state: 'postponed', reason: reason + doubt, isServerDown: true }
}

/** Servers may repeat what they were sent: the login in every form it has on the wire goes. */
function secretHider(url: string): (text: string) => string {
  const { username, password } = new URL(url)
  const user = decodeURIComponent(username)
  const pass = decodeURIComponent(password)
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const secrets = [url, base64(`\0${user}\0${pass}`), base64(pass), password, pass]
  const known = secrets.filter((secret) => secret !== '')
  return (text) => known.reduce((hidden, secret) => hidden.replaceAll(secret, '***'), text)
}

function keepIn(homeDir: string): Deliver {
  const transport = nodemailer.createTransport({ streamTransport: true, buffer: true })
  const folder = join(homeDir, 'mail')
  return async (mail, from) => {
    const { message } = await transport.sendMail(toMessage(mail, from))
    const path = join(folder, fileNameOf(mail))
    try {
      await mkdir(folder, { recursive: true })
      // Renamed when whole, so that nobody reads half a mail.
      await writeFile(`${path}.part`, message)
      await rename(`${path}.part`, path)
      return { state: 'kept', path }
    } catch (error) {
      const reason = `${path} could not be written: ${String(error)}`
      return { state: 'postponed', reason, isServerDown: true }
    }
  }
}

function fileNameOf(mail: OutgoingMail): string {
  const words = mail.subject.toLowerCase().match(/[a-z0-9]+/g) ?? []
  return `${words.join('-').slice(0, 80)}-${mail.messageId.slice(1, 9)}.eml`
}
