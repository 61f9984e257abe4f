import { dateOf, timestampOf } from './calendar.ts'
import type { Offer } from './catalogue.ts'
import { FileNotes } from './day-notes.ts'
import { productDirt } from './dirt.ts'
import type { JsonRecord } from './dirt.ts'
import type { FileSink } from './file-sink.ts'
import { mix, Random, stream } from './random.ts'
import type { Shop } from './shop.ts'

export function productsPath(monday: number): string {
  return `products/products_${dateOf(monday)}.json`
}

/** Writes the catalogue as it stands on a Monday, with spoilt drafts of further products between. */
export async function writeProducts(
  shop: Shop,
  monday: number,
  sink: FileSink,
): Promise<FileNotes> {
  const { seed, dirt } = shop.options
  const notes = new FileNotes('products', monday, productsPath(monday))
  const random = new Random().seeded(mix(seed, stream.productDirt, monday, 0))
  const offers = shop.catalogue.shelfOn(monday).byRank.flat()
  offers.sort((left, right) => (left.productId < right.productId ? -1 : 1))
  const lines: string[] = []
  for (const offer of offers) {
    if (random.share() < dirt) lines.push(spoiltDraft(notes, lines.length + 1, random, monday))
    lines.push(JSON.stringify(recordOf(offer)))
  }
  sink.add(`[\n${lines.join(',\n')}\n]\n`)
  notes.rows = lines.length
  notes.loadedLines = offers.length
  return notes
}

function recordOf(offer: Offer): JsonRecord {
  return {
    product_id: offer.productId,
    vendor_id: offer.vendorId,
    name: offer.name,
    category: offer.category,
    price: Number(offer.priceText),
    currency: 'EUR',
    updated_at: timestampOf(offer.updatedOn, 0),
  }
}

function spoiltDraft(notes: FileNotes, line: number, random: Random, monday: number): string {
  const id = `DRAFT-${line}`
  const dirt = random.pick(productDirt)
  const record: JsonRecord = {
    product_id: id,
    vendor_id: 'V002',
    name: 'Draft product',
    category: 'Fashion',
    price: 10,
    currency: 'EUR',
    updated_at: timestampOf(monday, 0),
  }
  dirt.spoil(record, random, monday)
  const recordId = record['product_id'] === id ? id : null
  notes.defects.push({ ...notes.at(line), recordId, rules: [...dirt.rules] })
  return JSON.stringify(record)
}
