import { fieldOf, type Column } from '../../domain/contracts/contract.ts'
import { Random } from '../generator/random.ts'
import {
  copyRecords,
  holdersOf,
  writeDelivery,
  type DeliveredRecord,
  type Delivery,
} from './delivery.ts'
import { chooseSpoilt, type GoodDay, type Mutant } from './mutant.ts'
import { dropColumn, fileSpoilers, renameColumn } from './spoil-files.ts'
import { isCategory, valueSpoilers, type ValueSpoiler } from './spoil-values.ts'

/** Every mutant of a source's good day: each way of spoiling a value by each column that it fits. */
export function* makeMutants(day: GoodDay, seed: number): Generator<Mutant> {
  const { contract } = day.delivery
  const delivered = contract.columns.filter((column) => valuesOf(day.delivery, column).length > 0)
  let made = 0
  const randomFor = () => new Random().seeded(seed * 1009 + made++)
  for (const column of delivered) {
    for (const spoiler of valueSpoilers.filter(({ fits }) => fits(column))) {
      const spoilt = spoilColumn(day, column, spoiler, randomFor())
      const files = { [day.path]: writeDelivery(spoilt) }
      yield mutantOf(day, column.name, spoiler.kind, files)
    }
    const dropped = writeDelivery(dropColumn(day.delivery, column))
    yield mutantOf(day, column.name, 'dropped_column', { [day.path]: dropped })
    const renamed = renameColumn(day.delivery, column, `${fieldOf(column)}_v2`)
    yield mutantOf(day, column.name, 'renamed_column', { [day.path]: writeDelivery(renamed) })
  }
  for (const [one, other] of neighbours(delivered)) {
    const swapped = swapColumns(day.delivery, one, other)
    const files = { [day.path]: writeDelivery(swapped) }
    yield mutantOf(day, `${one.name}+${other.name}`, 'swapped_columns', files)
  }
  for (const column of delivered.filter(isCategory)) {
    const files = { [day.path]: writeDelivery(withoutCommonest(day.delivery, column)) }
    yield mutantOf(day, column.name, 'commonest_missing', files)
  }
  for (const { kind, spoil } of fileSpoilers) {
    const files = spoil(day, randomFor())
    if (files) yield mutantOf(day, 'file', kind, files)
  }
}

function mutantOf(
  { delivery }: GoodDay,
  scope: string,
  kind: string,
  files: Record<string, string | Uint8Array>,
): Mutant {
  const { source } = delivery.contract
  return { id: `${source}.${scope}.${kind}`, source, kind, files: new Map(Object.entries(files)) }
}

function valuesOf({ contract, records }: Delivery, column: Column): unknown[] {
  const field = fieldOf(column)
  return records
    .flatMap((record) => holdersOf(contract, column, record))
    .map((holder) => holder[field])
    .filter((value) => value !== null && value !== undefined && value !== '')
}

/** CSV has text only: what reads as a number is one to whoever spoils it. */
function spoilColumn(
  { delivery, date }: GoodDay,
  column: Column,
  spoiler: ValueSpoiler,
  random: Random,
): Delivery {
  const records = copyRecords(delivery.records)
  const field = fieldOf(column)
  const values = valuesOf(delivery, column)
  const context = { random, date, values, first: values[0] }
  const spoilt = spoiler.isWholeColumn ? undefined : chooseSpoilt(records.length, random)
  records.forEach((record, index) => {
    if (spoilt && !spoilt.has(index)) return
    for (const holder of holdersOf(delivery.contract, column, record)) {
      holder[field] = spoiler.spoil(holder[field], context)
    }
  })
  return { ...delivery, records }
}

/** Columns of the same type that stand side by side: those are mixed up most easily. */
function neighbours(columns: readonly Column[]): [Column, Column][] {
  return columns.flatMap((column, index): [Column, Column][] => {
    const isNumber = ({ type }: Column) => type === 'integer' || type === 'money'
    const next = columns.slice(index + 1).find((other) => isNumber(other) === isNumber(column))
    return next ? [[column, next]] : []
  })
}

function swapColumns(delivery: Delivery, one: Column, other: Column): Delivery {
  const [first, second] = [fieldOf(one), fieldOf(other)]
  const swap = (holder: DeliveredRecord) => {
    ;[holder[first], holder[second]] = [holder[second], holder[first]]
  }
  const records = copyRecords(delivery.records)
  for (const record of records) {
    const holders = [one, other].flatMap((column) => holdersOf(delivery.contract, column, record))
    for (const holder of new Set(holders)) swap(holder)
  }
  return { ...delivery, records }
}

/** One vendor, one region, one kind of event did not deliver. */
function withoutCommonest(delivery: Delivery, column: Column): Delivery {
  const field = fieldOf(column)
  const counts = new Map<unknown, number>()
  for (const value of valuesOf(delivery, column)) counts.set(value, (counts.get(value) ?? 0) + 1)
  const commonest = [...counts].toSorted(([, a], [, b]) => b - a)[0]?.[0]
  const isLeft = (record: DeliveredRecord) =>
    holdersOf(delivery.contract, column, record).every((holder) => holder[field] !== commonest)
  return { ...delivery, records: delivery.records.filter(isLeft) }
}
