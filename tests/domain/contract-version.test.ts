import { expect, test } from 'vitest'
import { isMoved, isVersion, nextVersion, partToMove } from '../../domain/contracts/version.ts'

test('the greatest effect says which part of a version has to move', () => {
  expect(partToMove(['harmless', 'breaking', 'widening'])).toBe('major')
  expect(partToMove(['harmless', 'widening'])).toBe('minor')
  expect(partToMove(['harmless'])).toBe('patch')
  expect(partToMove([])).toBeNull()
})

test.each([
  ['1.4.2', '2.0.0', [true, true, true]],
  ['1.4.2', '1.5.0', [false, true, true]],
  ['1.4.2', '1.4.3', [false, false, true]],
  ['1.4.2', '1.4.2', [false, false, false]],
  ['1.4.2', '1.3.9', [false, false, false]],
  ['2.0.0', '1.9.9', [false, false, false]],
  ['1.9.0', '1.10.0', [false, true, true]],
] as const)('%s to %s moves major, minor, patch: %j', (before, now, expected) => {
  const moved = (['major', 'minor', 'patch'] as const).map((part) => isMoved(before, now, part))
  expect(moved).toEqual(expected)
})

test('the next version of a part starts the smaller ones anew', () => {
  expect(nextVersion('1.4.2', 'major')).toBe('2.0.0')
  expect(nextVersion('1.4.2', 'minor')).toBe('1.5.0')
  expect(nextVersion('1.4.2', 'patch')).toBe('1.4.3')
})

test('a version has three numbers without leading zeros', () => {
  expect(['1.0.0', '0.10.3'].every(isVersion)).toBe(true)
  expect(['1.0', '01.0.0', 'v1.0.0', '1.0.0-rc1', ''].some(isVersion)).toBe(false)
})
