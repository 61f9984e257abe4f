import fc from 'fast-check'
import { expect, test } from 'vitest'
import { markPlace } from '../../cli/marked-text.ts'
import { visible } from '../../domain/records/visible-text.ts'

test('what a terminal would obey is written out, the rest stays', () => {
  expect(visible('caf\u00e9 \u{1f600} "\\"')).toBe('caf\u00e9 \u{1f600} "\\"')
  expect(visible('\u001b[31m\n\t\r\0\u202e\u0085')).toBe('\\x1b[31m\\n\\t\\r\\x00\\u{202e}\\x85')
  expect(visible('\ud800')).toBe('\\u{d800}')
})

test('carets stand under the place, in lines that fit and hold nothing to obey', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', '"', ',', '\u001b', '\n', '\t'),
    maxLength: 150,
    size: 'max',
  })
  fc.assert(
    fc.property(
      text,
      text,
      text,
      fc.integer({ min: 40, max: 120 }),
      (before, place, after, width) => {
        const span = { start: before.length, end: before.length + place.length }
        const [line, carets] = markPlace(before + place + after, span, width)
        const start = carets.indexOf('^')
        const marked = line.slice(start, carets.length)
        if (place === '') expect(carets.length - start).toBe(1)
        else expect(visible(place).startsWith(marked)).toBe(true)
        expect(line.length).toBeLessThanOrEqual(width)
        expect(carets.length).toBeLessThanOrEqual(width)
        expect(visible(line)).toBe(line)
      },
    ),
    { numRuns: 2000 },
  )
})

test('a long record is cut around the place', () => {
  const text = `${'a'.repeat(1_000_000)}BAD${'c'.repeat(1_000_000)}`
  const [line, carets] = markPlace(text, { start: 1_000_000, end: 1_000_003 }, 60)
  expect(line).toMatch(/^…a+BADc+…$/)
  expect(line.slice(carets.indexOf('^'), carets.length)).toBe('BAD')
  const [short] = markPlace('{"a": 1}', { start: 6, end: 7 }, 60)
  expect(short).toBe('{"a": 1}')
})
