import { closeSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs'
import { sampleShopContracts } from '../../domain/contracts/sample-shop.ts'
import { refuseOtherRecords } from '../../platform/landing/refuse-other-records.ts'

const mib = 1024 * 1024
const header = 'event_id,user_id,product_id,event_type,event_ts,session_id,url,user_agent\n'
const last = '{"order_id":"last"}'
const order = `{"order_id":"o","user_id":"u","note":"${'x'.repeat(960)}"},`

/** How each kind of file begins; a hole of zero bytes follows, which no disk has to hold. */
const beginnings: Readonly<Record<string, string>> = {
  json_string: '[{"order_id":"o-1"},{"order_id":"',
  json_brackets: '[{"order_id":"o-1"},{"order_id":[',
  csv_line: `${header}e-1,u,p,page_view,t,s,/,a\ne-2,"`,
}

/** Of 200 MiB: 200 times a piece of one. */
const wholes: Readonly<
  Record<string, { head: string; piece: string; tail: string; blanksAfterMib: number }>
> = {
  json_array: { head: '[', piece: order.repeat(1024), tail: `${last}]`, blanksAfterMib: 0 },
  json_blanks: { head: '', piece: ' '.repeat(mib), tail: `[${last}]`, blanksAfterMib: 100 },
}

/**
 * Reads a huge file by the reader of its source in this process, and says what came of it: the message of
 * its refusal, and the most memory that was needed.
 */
const [kind = '', path = ''] = process.argv.slice(2)
const { orders, events } = sampleShopContracts('UTC')
write()
let refusal = null
try {
  await refuseOtherRecords(path, kind.startsWith('csv') ? events : orders)
} catch (error) {
  refusal = error instanceof Error ? error.message : String(error)
}
rmSync(path)
const mostMemoryMib = process.resourceUsage().maxRSS / 1024
process.stdout.write(JSON.stringify({ refusal, mostMemoryMib }))

function write(): void {
  const file = openSync(path, 'w')
  writeSync(file, beginnings[kind] ?? '')
  if (kind in beginnings) truncateSync(path, 1024 * mib)
  const whole = wholes[kind]
  if (whole !== undefined) {
    writeSync(file, whole.head)
    for (let piece = 0; piece < 200; piece += 1) writeSync(file, whole.piece)
    writeSync(file, whole.tail)
    for (let piece = 0; piece < whole.blanksAfterMib; piece += 1) writeSync(file, ' '.repeat(mib))
  }
  closeSync(file)
}
