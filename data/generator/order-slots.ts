import type { ShopOptions } from './options.ts'
import { asShare, mix, stream } from './random.ts'
import type { Rhythm } from './rhythm.ts'

/** What stands at one place of a day's orders file. */
export type Slot =
  | { kind: 'plain' | 'nested' | 'dirty' }
  | { kind: 'late'; daysLate: number }
  | { kind: 'settling'; afterDays: number }
  | { kind: 'update'; firstDay: number }
  | { kind: 'copy'; of: number; isExact: boolean }

const lateShare = 0.004
const settlingShare = 0.04
const copyShare = 0.003
const nestedShare = 0.03
const longestDelayDays = 3
const spikesADay = 2

const plain: Slot = { kind: 'plain' }
const nested: Slot = { kind: 'nested' }
const dirty: Slot = { kind: 'dirty' }

/**
 * Decides by hash what each slot (day, place in the file) holds, so that any day can be made without
 * the days before it. A pending order that settles k days later comes again in the same slot of
 * that day, which is how both days know of it without talking to each other.
 */
export class OrderSlots {
  private readonly options: ShopOptions
  private readonly rhythm: Rhythm

  constructor(options: ShopOptions, rhythm: Rhythm) {
    this.options = options
    this.rhythm = rhythm
  }

  slotAt(day: number, place: number): Slot {
    for (let delay = 1; delay <= longestDelayDays; delay++) {
      if (this.settlesAfter(day - delay, place) === delay) {
        return { kind: 'update', firstDay: day - delay }
      }
    }
    return this.ownSlotAt(day, place)
  }

  /** A day's planted quantity spikes: plain slots that no other slot copies. */
  spikesOn(day: number): Set<number> {
    const spikes = new Set<number>()
    const rows = this.rhythm.orderRowsOn(day)
    if (!this.options.anomalies) return spikes
    for (let spike = 1; spike <= spikesADay; spike++) {
      const start = mix(this.options.seed, stream.anomaly, day, spike) % rows
      for (let place = start; place < rows; place++) {
        if (!this.isSingle(day, place)) continue
        spikes.add(place)
        break
      }
    }
    return spikes
  }

  private isSingle(day: number, place: number): boolean {
    if (this.slotAt(day, place).kind !== 'plain') return false
    return this.slotAt(day, place + this.copyDistance(day)).kind !== 'copy'
  }

  private ownSlotAt(day: number, place: number): Slot {
    const hash = this.hashAt(day, place)
    let share = asShare(hash) - this.options.dirt
    if (share < 0) return dirty
    share -= settlingShare
    if (share < 0) return { kind: 'settling', afterDays: 1 + (hash % longestDelayDays) }
    share -= lateShare
    if (share < 0) return this.lateSlot(day, 1 + (hash % longestDelayDays))
    share -= copyShare
    if (share < 0) return this.copySlot(day, place, hash)
    share -= nestedShare
    return share < 0 ? nested : plain
  }

  private lateSlot(day: number, daysLate: number): Slot {
    return this.rhythm.isOpen(day - daysLate) ? { kind: 'late', daysLate } : plain
  }

  /** One distance a day, so that no record is copied twice. */
  private copySlot(day: number, place: number, hash: number): Slot {
    const of = place - this.copyDistance(day)
    if (of < 0 || this.slotAt(day, of).kind !== 'plain') return plain
    return { kind: 'copy', of, isExact: hash % 2 === 0 }
  }

  private copyDistance(day: number): number {
    return 1 + (mix(this.options.seed, stream.copyDistance, day, 0) % 40)
  }

  private settlesAfter(day: number, place: number): number {
    const hash = this.hashAt(day, place)
    const share = asShare(hash) - this.options.dirt
    if (share < 0 || share >= settlingShare) return 0
    if (!this.rhythm.isOpen(day) || place >= this.rhythm.orderRowsOn(day)) return 0
    return this.slotAt(day, place).kind === 'settling' ? 1 + (hash % longestDelayDays) : 0
  }

  private hashAt(day: number, place: number): number {
    return mix(this.options.seed, stream.orderRole, day, place)
  }
}
