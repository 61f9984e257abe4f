import { dateOf } from './calendar.ts'
import { Ledger } from './ledger.ts'
import type { Anomaly, Defect, Duplicate, LateRecord, Source, StatusUpdate } from './manifest.ts'

/** What the writer of one file notes down while writing it. */
export class FileNotes {
  readonly source: Source
  readonly deliveryDate: string
  readonly file: string
  readonly ledger = new Ledger()
  /** Pending orders that updates in this file take back, by the day they first came. */
  readonly restated = new Map<string, Ledger>()
  readonly defects: Defect[] = []
  readonly duplicates: Duplicate[] = []
  readonly late: LateRecord[] = []
  readonly statusUpdates: StatusUpdate[] = []
  readonly anomalies: Anomaly[] = []
  rows = 0
  loadedLines = 0

  constructor(source: Source, day: number, file: string) {
    this.source = source
    this.deliveryDate = dateOf(day)
    this.file = file
  }

  at(line: number) {
    return { source: this.source, deliveryDate: this.deliveryDate, file: this.file, line }
  }

  restatedFrom(firstDelivered: string): Ledger {
    let ledger = this.restated.get(firstDelivered)
    if (ledger === undefined) {
      ledger = new Ledger()
      this.restated.set(firstDelivered, ledger)
    }
    return ledger
  }

  entry(written: { bytes: number; sha256: string }) {
    const quarantined = this.defects.length
    const duplicates = this.duplicates.length
    return {
      source: this.source,
      deliveryDate: this.deliveryDate,
      file: this.file,
      ...written,
      rows: this.rows,
      loaded: this.rows - quarantined - duplicates,
      quarantined,
      duplicates,
      loadedLines: this.loadedLines,
    }
  }
}
