import { dateOf, dayOf, mondayOf } from './calendar.ts'
import type { FileNotes } from './day-notes.ts'
import { eventsPath, writeEvents } from './events-file.ts'
import { writeThroughSink } from './file-sink.ts'
import type { FileSink } from './file-sink.ts'
import { Ledger } from './ledger.ts'
import type { DayManifest, FileEntry, Manifest } from './manifest.ts'
import { ManifestStore, readManifest } from './manifest-store.ts'
import { parseGenerateOptions, ShopOptions } from './options.ts'
import type { GenerateOptions } from './options.ts'
import { ordersPath, writeOrders } from './orders-file.ts'
import { productsPath, writeProducts } from './products-file.ts'
import { dayAnomalyKinds } from './rhythm.ts'
import { openShop } from './shop.ts'
import type { Shop } from './shop.ts'

/**
 * Writes the sample shop's deliveries and their manifest into the landing zone `options.out`.
 * The same options give the same bytes, and a range cut in two gives the files of the whole.
 * Returns the manifest of everything in the folder; for very long ranges `generateDays` and the
 * summary in `manifest.json` need less memory.
 * @throws InvalidGenerateOptions, LandingZoneTaken, WriteFailed
 */
export async function generateShop(options: GenerateOptions): Promise<Manifest> {
  for await (const day of generateDays(options)) void day
  return readManifest(options.out)
}

/** As `generateShop`, a day at a time and in flat memory; yields each day once it is on disk. */
export async function* generateDays(input: GenerateOptions): AsyncGenerator<DayManifest> {
  const options = parseGenerateOptions({ ...input })
  const shop = openShop(ShopOptions.parse(options))
  const first = dayOf(options.from)
  const days = Array.from({ length: options.days }, (_, offset) => first + offset)
  // The catalogue in force on the first day, so that a range may begin on any weekday.
  const monday = mondayOf(first)
  const writes = monday === first ? days : [monday, ...days]
  const store = await ManifestStore.open(options.out, shop.options, writes)
  if (!store.has(dateOf(monday)) && monday !== first) {
    const products = await writeFile(shop, options.out, monday, productsPath(monday), writeProducts)
    await store.add(manifestOf(shop, monday, [products]))
  }
  for (const day of days) {
    const manifest = manifestOf(shop, day, await writeDay(shop, options.out, day))
    await store.add(manifest)
    yield manifest
  }
}

interface WrittenFile {
  readonly entry: FileEntry
  readonly notes: FileNotes
}

async function writeDay(shop: Shop, root: string, day: number): Promise<WrittenFile[]> {
  const files = [
    await writeFile(shop, root, day, ordersPath(day), writeOrders),
    await writeFile(shop, root, day, eventsPath(day), writeEvents),
  ]
  if (mondayOf(day) === day) {
    files.push(await writeFile(shop, root, day, productsPath(day), writeProducts))
  }
  return files
}

async function writeFile(
  shop: Shop,
  root: string,
  day: number,
  path: string,
  write: (shop: Shop, day: number, sink: FileSink) => Promise<FileNotes>,
): Promise<WrittenFile> {
  const { result, ...written } = await writeThroughSink(root, path, (sink) =>
    write(shop, day, sink),
  )
  return { entry: result.entry(written), notes: result }
}

function manifestOf(shop: Shop, day: number, files: readonly WrittenFile[]): DayManifest {
  const date = dateOf(day)
  const notes = files.map((file) => file.notes)
  const complete = notes.some(({ source }) => source === 'orders')
  const kind = complete ? shop.rhythm.anomalyOn(day) : undefined
  const ofTheDay = kind === undefined ? [] : [{ ...dayAnomalyKinds[kind], deliveryDate: date }]
  return {
    version: 1,
    options: shop.options,
    date,
    complete,
    files: files.map(({ entry }) => entry),
    delivered: deliveredIn(notes),
    restated: notes.flatMap(restatedIn),
    defects: notes.flatMap(({ defects }) => defects),
    duplicates: notes.flatMap(({ duplicates }) => duplicates),
    late: notes.flatMap(({ late }) => late),
    statusUpdates: notes.flatMap(({ statusUpdates }) => statusUpdates),
    anomalies: [...ofTheDay, ...notes.flatMap(({ anomalies }) => anomalies)],
  }
}

function deliveredIn(notes: readonly FileNotes[]) {
  const ledger = new Ledger()
  for (const { ledger: ofFile } of notes) {
    for (const totals of ofFile.totals()) ledger.add(totals)
  }
  return ledger.totals()
}

function restatedIn({ restated }: FileNotes): DayManifest['restated'] {
  return [...restated].flatMap(([firstDelivered, ledger]) =>
    ledger.totals().map(({ businessDate, orders }) => ({
      firstDelivered,
      businessDate,
      status: 'pending' as const,
      tally: orders.pending,
    })),
  )
}
