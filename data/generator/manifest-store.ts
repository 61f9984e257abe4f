import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { dateOf } from './calendar.ts'
import { WriteFailed } from './file-sink.ts'
import { finalTotals } from './ledger.ts'
import { DayManifest, ManifestSummary } from './manifest.ts'
import type { DaySummary, Manifest } from './manifest.ts'
import type { ShopOptions } from './options.ts'

/** The folder holds deliveries that this shop must not overwrite or mix with. */
export class LandingZoneTaken extends Error {
  override readonly name = 'LandingZoneTaken'
}

const summaryFile = 'manifest.json'

function dayFile(date: string): string {
  return join('manifest', `${date}.json`)
}

/** The whole manifest of a landing zone: its summary and the planted records of all its days. */
export async function readManifest(root: string): Promise<Manifest> {
  const summary = await readSummary(root)
  if (summary === undefined) {
    throw new Error(`No ${summaryFile} in ${root}: \`daybook generate --out ${root}\` writes one`)
  }
  const manifest: Manifest = {
    ...summary,
    defects: [],
    duplicates: [],
    late: [],
    statusUpdates: [],
    anomalies: [],
  }
  for (const { date } of summary.days) {
    const day = DayManifest.parse(JSON.parse(await readFile(join(root, dayFile(date)), 'utf8')))
    for (const defect of day.defects) manifest.defects.push(defect)
    for (const duplicate of day.duplicates) manifest.duplicates.push(duplicate)
    for (const late of day.late) manifest.late.push(late)
    for (const update of day.statusUpdates) manifest.statusUpdates.push(update)
    for (const anomaly of day.anomalies) manifest.anomalies.push(anomaly)
  }
  return manifest
}

/** Undefined when the folder has no manifest, so when no sample shop was generated there. */
export async function readSummary(root: string): Promise<ManifestSummary | undefined> {
  const path = join(root, summaryFile)
  if (!(await exists(path))) return undefined
  return ManifestSummary.parse(JSON.parse(await readFile(path, 'utf8')))
}

/** Adds days to the manifest of one landing zone, one at a time, so that a killed run can go on. */
export class ManifestStore {
  private readonly root: string
  private readonly options: ShopOptions
  private readonly days: Map<string, DaySummary>

  private constructor(root: string, options: ShopOptions, days: readonly DaySummary[]) {
    this.root = root
    this.options = options
    this.days = new Map(days.map((day) => [day.date, day]))
  }

  /** @throws LandingZoneTaken when a day to be written is not the generator's, or of another shop */
  static async open(root: string, options: ShopOptions, days: number[]): Promise<ManifestStore> {
    const dates = new Set(days.map(dateOf))
    await refuseForeignFiles(root, dates)
    const summary = await readSummary(root)
    if (summary === undefined) return new ManifestStore(root, options, [])
    if (isSameShop(summary.options, options)) return new ManifestStore(root, options, summary.days)
    const kept = summary.days.filter((day) => !dates.has(day.date))
    if (kept.length > 0) throw anotherShop(root, summary.options, kept)
    return new ManifestStore(root, options, [])
  }

  has(date: string): boolean {
    return this.days.has(date)
  }

  async add(day: DayManifest): Promise<void> {
    const { date, complete, files, delivered, restated } = day
    const planted = {
      defects: day.defects.length,
      duplicates: day.duplicates.length,
      late: day.late.length,
      statusUpdates: day.statusUpdates.length,
      anomalies: day.anomalies.length,
    }
    this.days.set(date, { date, complete, files, delivered, restated, planted })
    await this.write(dayFile(date), `${JSON.stringify(day)}\n`)
    await this.write(summaryFile, `${JSON.stringify(this.summary(), null, 1)}\n`)
  }

  summary(): ManifestSummary {
    const days = [...this.days.values()].sort((left, right) => (left.date < right.date ? -1 : 1))
    return { version: 1, options: this.options, days, final: finalTotals(days) }
  }

  private async write(file: string, text: string): Promise<void> {
    const path = join(this.root, file)
    try {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(`${path}.part`, text)
      await rename(`${path}.part`, path)
    } catch (cause) {
      throw new WriteFailed(`Cannot write ${path}: ${String(cause)}`, { cause })
    }
  }
}

function isSameShop(left: ShopOptions, right: ShopOptions): boolean {
  return describeShop(left) === describeShop(right)
}

function describeShop(options: ShopOptions): string {
  const { seed, epoch, orders, events, dirt, anomalies, flat } = options
  const flags = `${anomalies ? ' --anomalies' : ''}${flat ? ' --flat' : ''}`
  return `--seed ${seed} --epoch ${epoch} --orders ${orders} --events ${events} --dirt ${dirt}${flags}`
}

function anotherShop(root: string, shop: ShopOptions, kept: readonly DaySummary[]) {
  const first = kept[0]?.date ?? ''
  return new LandingZoneTaken(
    `${root} holds other days (from ${first}) of the sample shop ${describeShop(shop)}. ` +
      'Use the same options, name another folder by --out, or delete the old days',
  )
}

/** A delivery without a manifest beside it was not generated: it may be the only copy. */
async function refuseForeignFiles(root: string, dates: ReadonlySet<string>): Promise<void> {
  for (const date of dates) {
    if (await exists(join(root, dayFile(date)))) continue
    for (const folder of [`orders/${date}`, `events/${date}`]) {
      const files = (await listed(join(root, folder))).filter((name) => !name.endsWith('.part'))
      if (files.length === 0) continue
      throw new LandingZoneTaken(
        `${join(root, folder)} has files that were not generated (${files[0]}). ` +
          'Name another folder by --out or move them away',
      )
    }
    const catalogue = join(root, `products/products_${date}.json`)
    if (await exists(catalogue)) {
      throw new LandingZoneTaken(
        `${catalogue} was not generated. Name another folder by --out or move it away`,
      )
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function listed(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => [])
}
