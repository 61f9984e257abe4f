import { describe, expect, test } from 'vitest'
import { assertHeaderSafe, parseAddress } from '../../domain/mail-address.ts'
import { composeFailureMail } from '../../domain/mail-failure.ts'
import { composeHeldMail } from '../../domain/mail-held.ts'
import { composeFindingsMail, type Finding } from '../../domain/mail-findings.ts'

const run = { dagId: 'ecommerce_daily', date: '2025-12-13', shopId: 'main', fixedRecords: 0 }

function orderFinding(orderNo: number, zScore: number | null, productId = 'P1'): Finding {
  return {
    kind: 'order',
    key: `order ${orderNo}`,
    orderId: `O-${orderNo}`,
    lineNo: 1,
    orderDate: run.date,
    vendorId: 'SHOPNOW',
    productId,
    quantity: 1200,
    medianQty: 2,
    thresholdQty: 7.5,
    zScore,
  }
}
const metricFinding: Finding = {
  kind: 'metric',
  key: 'metric orders',
  metric: 'orders',
  metricDate: run.date,
  value: 310,
  expected: 1000,
  scale: 0.05,
  zScore: -23.4,
}

/** The words of the HTML part, as a mail program shows them. */
function wordsOfHtml(html: string): string[] {
  const text = html
    .replace(/<head>.*<\/head>/s, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
  return text.split(/\s+/).filter((word) => word !== '')
}
function wordsOfText(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '' && !/^=+$/.test(word))
}

describe('composeFindingsMail', () => {
  test('days come first, then orders by distance, 20 in all and the rest counted', () => {
    const orders = Array.from({ length: 46 }, (_, index) => orderFinding(index, index))
    const mail = composeFindingsMail(run, [...orders, metricFinding])
    expect(mail.subject).toBe('Daybook: 47 findings on 2025-12-13 (shop main)')
    const shown = [...mail.text.matchAll(/O-\d+/g)].map(([orderId]) => orderId)
    expect(shown).toHaveLength(19)
    expect(shown.slice(0, 2)).toEqual(['O-45', 'O-44'])
    expect(mail.text).toContain('and 27 more')
    expect(mail.text).not.toContain('corrected')
    expect(mail.text).toMatch(
      /orders +2025-12-13 +310 \(too low\) +1,000 +839[.\d]* to 1,19[.\d]+ +-23.4/,
    )
  })

  test('the text part says what the HTML part says', () => {
    const mail = composeFindingsMail(run, [metricFinding, orderFinding(1, null, '<b>"x" & y</b>')])
    expect(wordsOfHtml(mail.html)).toEqual(wordsOfText(mail.text))
  })

  test('what a product is called cannot become markup, a new line or a remote picture', () => {
    const name = `<script>alert(1)</script><img src="http://x/y">'{{7*7}}\r\nBcc: a@b\u2028c\u202ed`
    const mail = composeFindingsMail(run, [orderFinding(1, 5, name)])
    const tags = new Set([...mail.html.matchAll(/<([a-z0-9]+)/g)].map(([, tag]) => tag))
    for (const tag of ['script', 'img', 'a', 'link', 'iframe']) expect(tags).not.toContain(tag)
    expect(mail.html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(mail.text).not.toMatch(/\r|\nBcc|\u2028|\u202e/)
  })
})

test('a failure mail lists the tasks, the first cause and the failed checks', () => {
  const mail = composeFailureMail({
    dagId: 'ecommerce_daily',
    date: '2025-12-13',
    runId: 'run-1',
    failedTasks: ['dq_checks'],
    reason: 'ChecksFailed: 1 critical check failed\n  at line 3',
    failedChecks: [
      {
        checkId: 'orders_volume',
        tableName: 'staging.orders_clean',
        severity: 'critical',
        expected: '100 to 500000',
        actual: '99',
        failedRows: 0,
      },
    ],
  })
  expect(mail.subject).toBe('Daybook: run ecommerce_daily/2025-12-13 failed')
  for (const part of [
    'dq_checks',
    '1 critical check failed at',
    'orders_volume',
    '100 to 500000',
  ]) {
    expect(mail.text.replaceAll(/ +/g, ' ')).toContain(part)
  }
  expect(wordsOfHtml(mail.html)).toEqual(wordsOfText(mail.text))
})

test.each([
  [
    'fail',
    'If nobody decides by 2025-12-14 09:31 UTC, the run fails and the day is not published.',
  ],
  ['skip', 'If nobody decides by 2025-12-14 09:31 UTC, the day is published.'],
] as const)(
  'a mail of a held day says how to decide, and what else happens: %s',
  (onTimeout, words) => {
    const runKey = 'ecommerce_daily/2025-12-13'
    const check = { checkId: 'orders_plausible_volume', tableName: 'staging.orders_clean' }
    const found = {
      severity: 'error',
      expected: '0.25 to 4',
      actual: '0.1',
      failedRows: 0,
    } as const
    const decideBy = new Date('2025-12-14T09:31:20Z')
    const checks = [{ ...check, ...found }]
    const taskId = 'approve_held_day'
    const mail = composeHeldMail({ runKey, taskId, checks, decideBy, onTimeout })
    expect(mail.subject).toBe(`Daybook: ${runKey} is held until 2025-12-14 09:31 UTC`)
    for (const part of [words, `daybook approve ${runKey} ${taskId}`, `daybook reject ${runKey}`]) {
      expect(mail.text).toContain(part)
    }
    expect(mail.text).toContain('orders_plausible_volume')
    expect(wordsOfHtml(mail.html)).toEqual(wordsOfText(mail.text))
  },
)

describe('parseAddress', () => {
  test('takes an address with and without a name', () => {
    expect(parseAddress('Daybook <daybook@localhost.localdomain>')).toEqual({
      name: 'Daybook',
      address: 'daybook@localhost.localdomain',
    })
    expect(parseAddress('a.b+c@example.org')).toEqual({ name: '', address: 'a.b+c@example.org' })
  })

  test.each([
    'a@example.org\r\nBcc: b@example.org',
    'a@example.org\nb',
    'a\u0000@example.org',
    'a\u2028@example.org',
    'a%0d%0aBcc:b@example.org',
    'a@b@example.org',
    'a@example.org, b@example.org',
    'group: a@example.org;',
    '"quoted local"@example.org',
    'a(comment)@example.org',
    'a@exаmple.org', // a Cyrillic letter
    'Name <a@example.org> <b@example.org>',
    'nobody',
    '',
  ])('refuses %j', (text) => {
    expect(() => parseAddress(text)).toThrow(/mail address/)
  })
})

test.each(['a\rb', 'a\nb', 'a\r\nb', 'a\0b', 'a\u0085b', 'a\u2028b', 'a\u2029b', 'a\u000bb'])(
  'a header value %j is refused',
  (value) => {
    expect(() => assertHeaderSafe(value, 'the subject')).toThrow(/the subject/)
  },
)
