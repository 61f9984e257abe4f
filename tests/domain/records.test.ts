import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sampleShopContracts } from '../../domain/contracts/sample-shop.ts'
import { csvField, placeCsvFields } from '../../domain/records/csv-places.ts'
import { findPlaces, type BrokenRule } from '../../domain/records/find-places.ts'
import { JsonFault, memberOf, placeJson } from '../../domain/records/json-places.ts'
import { setFields } from '../../domain/records/set-fields.ts'

const { orders, events } = sampleShopContracts('UTC')
const header = ['event_id', 'product_id', 'url']

const order = (text: string) => ({ contract: orders, header: null, text })
const event = (text: string) => ({ contract: events, header, text })
const placed = (record: ReturnType<typeof order | typeof event>, broken: BrokenRule) =>
  findPlaces(record, broken).map(({ start, end }) => record.text.slice(start, end))

describe('places in JSON', () => {
  test('every member of any object stands where it is said to stand', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (object, indent) => {
        const text = JSON.stringify(object, null, indent)
        const root = placeJson(text)
        for (const [key, value] of Object.entries(object)) {
          const node = memberOf(root, key)
          const found = text.slice(node?.start, node?.end)
          expect(JSON.parse(found)).toEqual(JSON.parse(JSON.stringify(value)))
        }
      }),
    )
  })

  test('what is JSON and what is not is as in JSON.parse', () => {
    const text = fc.string({
      unit: fc.constantFrom(...'{}[]:,"\\ 01-.eu\ttruefalsn'),
      maxLength: 12,
    })
    fc.assert(
      fc.property(text, (candidate) => {
        const isJson = succeeds(() => JSON.parse(candidate))
        expect(
          succeeds(() => placeJson(candidate)),
          candidate,
        ).toBe(isJson)
      }),
      { numRuns: 5000 },
    )
  })

  test('a fault has its position, and depth without end is one', () => {
    expect(faultOf('{"a": tru}')).toBe(6)
    expect(faultOf('{"a": 1 "b": 2}')).toBe(8)
    expect(faultOf('{"a": 1} x')).toBe(9)
    expect(faultOf('['.repeat(100_000))).toBeLessThan(1000)
  })
})

function succeeds(work: () => unknown): boolean {
  try {
    work()
    return true
  } catch {
    return false
  }
}

function faultOf(text: string): number | undefined {
  try {
    placeJson(text)
    return undefined
  } catch (error) {
    return error instanceof JsonFault ? error.position : undefined
  }
}

describe('failing places', () => {
  test.each([
    ['a field', '{"order_id": "b", "price": "abc"}', { rule: '', column: 'unit_price' }, ['"abc"']],
    ['the last of two', '{"price": 1, "price": 2}', { rule: '', column: 'unit_price' }, ['2']],
    ['a missing field', '{"order_id": "b"}', { rule: '', column: 'status' }, ['']],
    ['no JSON', '{"order_id": tru}', { rule: 'malformed', column: null }, ['t']],
    ['no object', '17', { rule: 'malformed', column: null }, ['17']],
    ['NUL', '{"a": "x\\u0000"}', { rule: 'malformed', column: null }, ['\\u0000']],
    [
      'half a pair',
      '{"a": "\\ud83d\\ude00\\ud83d"}',
      { rule: 'malformed', column: null },
      ['\\ud83d'],
    ],
    ['not UTF-8', '{"a": "caf\u00e9"}', { rule: 'bad_encoding', column: null }, ['\u00e9']],
    [
      'lines of an order',
      '{"items": [{"price": 1}, {"price": "x"}, {"price": "y"}], "price": 3}',
      { rule: '', column: 'unit_price', lines: [2, 3] },
      ['"x"', '"y"'],
    ],
    [
      'a field of the whole order',
      '{"items": [{"price": 1}, {"price": 2}], "status": "lost"}',
      { rule: '', column: 'status', lines: [1, 2] },
      ['"lost"'],
    ],
  ])('in JSON: %s', (_, text, broken, expected) => {
    expect(placed(order(text), broken)).toEqual(expected)
  })

  test('of a field that is missing is where it would stand', () => {
    const text = '{"items": [{"price": 1}, {}]}'
    const [place] = findPlaces(order(text), { rule: '', column: 'quantity', lines: [2] })
    expect(place).toEqual({ start: text.length - 3, end: text.length - 3 })
  })

  test.each([
    ['a field', 'e1,P1,/x', { rule: '', column: 'product_id' }, ['P1']],
    ['a quoted field', '"e,1","P""1",/x', { rule: '', column: 'product_id' }, ['"P""1"']],
    ['an empty field', 'e1,,/x', { rule: '', column: 'product_id' }, ['']],
    ['surplus fields', 'e1,P1,/x,y,z', { rule: 'too_many_columns', column: null }, ['y,z']],
    ['an open quote', 'e1,"P1', { rule: 'malformed', column: null }, ['"']],
  ])('in CSV: %s', (_, text, broken, expected) => {
    expect(placed(event(text), broken)).toEqual(expected)
  })

  test('fields of any values are told apart', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), (values) => {
        const line = values.map(csvField).join(',')
        const found = placeCsvFields(line).map(({ start, end }) => line.slice(start, end))
        expect(found).toEqual(values.map(csvField))
      }),
    )
  })
})

describe('new values', () => {
  test.each([
    ['a number', '{"price" : "abc", "x": 1.50}', 'unit_price=7.5', '{"price" : 7.5, "x": 1.50}'],
    ['no plain number', '{"price": 1}', 'unit_price=1e3', '{"price": "1e3"}'],
    ['a text', '{"status": 1}', 'status=a "b"', '{"status": "a \\"b\\""}'],
    ['a field by its own name', '{"price": 1}', 'price=2', '{"price": 2}'],
    ['a field that was missing', '{"price": 1}', 'status=paid', '{"price": 1, "status": "paid"}'],
    ['the first field', '{}', 'status=paid', '{"status": "paid"}'],
    [
      'a line',
      '{"items": [{"price": 1}, {}]}',
      'items[2].price=2',
      '{"items": [{"price": 1}, {"price": 2}]}',
    ],
  ])('in JSON: %s; the rest stays as it was', (_, text, set, expected) => {
    expect(setFields(order(text), [assignment(set)])).toBe(expected)
  })

  test('in CSV only the field changes', () => {
    const text = '"e,1",,"/x"'
    const set = [assignment('product_id=P1'), assignment('url=a,"b"')]
    expect(setFields(event(text), set)).toBe('"e,1",P1,"a,""b"""')
  })

  test.each([
    ['{"items": [{"price": 1}]}', 'price=2', 'say items[1].price=…'],
    ['{"items": [{"price": 1}]}', 'items[2].price=2', 'has no items[2]; lines count from 1 to 1'],
    ['{"price": 1}', 'pirce=2', 'orders has no column pirce'],
    ['{"price": tru}', 'price=2', 'is no JSON object'],
    ['[]', 'price=2', 'is no JSON object'],
  ])('%s does not take %s', (text, set, message) => {
    expect(() => setFields(order(text), [assignment(set)])).toThrow(message)
  })

  test.each([
    ['e1,P1', 'product_id=P2', 'it has 2 fields and its header 3'],
    ['e1,P1,/x', 'session_id=s', 'its file has no column session_id'],
  ])('the line %s does not take %s', (text, set, message) => {
    expect(() => setFields(event(text), [assignment(set)])).toThrow(message)
  })
})

function assignment(text: string) {
  const equals = text.indexOf('=')
  return { target: text.slice(0, equals), value: text.slice(equals + 1) }
}
