import { compactDate, dateOf, padded, timestampOf } from './calendar.ts'
import { FileNotes } from './day-notes.ts'
import { eventDirt } from './dirt.ts'
import type { FileSink } from './file-sink.ts'
import { asShare, mix, Random, stream } from './random.ts'
import { Sessions } from './sessions.ts'
import type { Session, ShopEvent } from './sessions.ts'
import type { Shop } from './shop.ts'

const header = 'event_id,user_id,product_id,event_type,event_ts,session_id,url,user_agent\n'
const copyShare = 0.002
const withoutIdShare = 0.02

/** A written event that a later row may repeat. */
interface Original {
  readonly line: number
  readonly id: string
  readonly text: string
}

export function eventsPath(day: number): string {
  return `events/${dateOf(day)}/events.csv`
}

/** Writes a day's events, visit by visit in order of their beginning. */
export async function writeEvents(shop: Shop, day: number, sink: FileSink): Promise<FileNotes> {
  const rows = shop.rhythm.eventRowsOn(day)
  const writer = new EventsWriter(shop, day)
  const sessions = new Sessions(shop, day)
  sink.add(header)
  while (writer.notes.rows < rows) {
    const session = sessions.next(writer.notes.rows / rows)
    let hasLoaded = false
    for (const event of session.events) {
      if (writer.notes.rows < rows) sink.add(writer.copies(rows))
      if (writer.notes.rows >= rows) break
      sink.add(writer.row(session, event))
      hasLoaded ||= writer.lastWasLoaded
    }
    if (hasLoaded) writer.notes.ledger.page(dateOf(session.businessDay)).sessions++
    if (sink.isFull) await sink.drain()
  }
  return writer.notes
}

class EventsWriter {
  readonly notes: FileNotes
  lastWasLoaded = false
  private readonly shop: Shop
  private readonly day: number
  private readonly random = new Random()
  private original: Original | undefined

  constructor(shop: Shop, day: number) {
    this.shop = shop
    this.day = day
    this.notes = new FileNotes('events', day, eventsPath(day))
  }

  /** The repeated rows due before the next event: mostly none. */
  copies(rows: number): string {
    let text = ''
    while (this.notes.rows < rows && this.original !== undefined && this.isCopyDue()) {
      text += this.copy(this.original)
      this.original = undefined
    }
    return text
  }

  row(session: Session, event: ShopEvent): string {
    const place = this.notes.rows
    const share = this.shareAt(place) - copyShare
    this.notes.rows++
    this.lastWasLoaded = share < 0 || share >= this.shop.options.dirt
    const id = `E${compactDate(this.day)}-${padded(place + 1, 7)}`
    if (!this.lastWasLoaded) return this.dirtyRow(place, columnsOf(session, event, id))
    return this.goodRow(session, event, share > 1 - copyShare - withoutIdShare ? '' : id)
  }

  private goodRow(session: Session, event: ShopEvent, id: string): string {
    const line = this.notes.rows + 1
    const businessDate = dateOf(session.businessDay)
    const text =
      `${id},${session.userId},${event.productId},${event.type},` +
      `${timestampOf(session.businessDay, event.second)},${session.id},` +
      `${urlOf(event)},${session.userAgent}\n`
    this.notes.ledger.page(businessDate).events[event.type]++
    this.notes.loadedLines++
    if (session.businessDay === this.day) {
      if (this.notes.rows % 16 === 0) this.original = { line, id, text }
    } else {
      this.notes.late.push({
        ...this.notes.at(line),
        recordId: id === '' ? null : id,
        businessDate,
      })
    }
    return text
  }

  private dirtyRow(place: number, columns: string[]): string {
    this.random.seeded(mix(this.shop.options.seed, stream.eventDirt, this.day, place))
    const dirt = this.random.pick(eventDirt)
    dirt.spoil(columns, this.random, this.day)
    const at = this.notes.at(this.notes.rows + 1)
    this.notes.defects.push({ ...at, recordId: columns[0] ?? null, rules: [...dirt.rules] })
    return `${columns.join(',')}\n`
  }

  private isCopyDue(): boolean {
    return this.shareAt(this.notes.rows) < copyShare
  }

  private copy(original: Original): string {
    // Without an id only the very same row is the same event.
    const isExact = original.id === '' || this.notes.rows % 2 === 0
    this.notes.rows++
    this.notes.duplicates.push({
      ...this.notes.at(this.notes.rows + 1),
      ofLine: original.line,
      recordId: original.id === '' ? null : original.id,
      kind: isExact ? 'exact' : 'same_id',
    })
    return isExact ? original.text : original.text.replace(',/', ',/retry/')
  }

  private shareAt(place: number): number {
    return asShare(mix(this.shop.options.seed, stream.eventRole, this.day, place))
  }
}

function columnsOf(session: Session, event: ShopEvent, id: string): string[] {
  return [
    id,
    session.userId,
    event.productId,
    event.type,
    timestampOf(session.businessDay, event.second),
    session.id,
    urlOf(event),
    session.userAgent,
  ]
}

function urlOf(event: ShopEvent): string {
  switch (event.type) {
    case 'page_view':
      return '/'
    case 'view_product':
    case 'add_to_cart':
      return `/p/${event.productId}`
    case 'checkout':
    case 'purchase':
      return `/${event.type}`
  }
}
