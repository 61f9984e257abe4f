/** One try of a task; it has no end while it goes on. */
export interface AttemptBar {
  readonly state: 'running' | 'success' | 'failed' | 'cancelled'
  readonly startMs: number
  readonly endMs: number | null
}

export interface GanttRow {
  readonly taskId: string
  readonly isCritical: boolean
  readonly attempts: readonly AttemptBar[]
}

export interface GanttScale {
  readonly startMs: number
  /** The end of the run; now, while it goes on. */
  readonly endMs: number
  /** Columns that a line may take. */
  readonly width: number
}

const marks = { success: '█', failed: '▒', cancelled: '▒', running: '▓' } as const
const pause = '·'
const longestId = 32
const narrowestBar = 10

export const ganttLegend =
  '█ succeeded  ▒ failed try  · until the next try  ▓ running  * critical path'

/** A bar a task, all on one scale of time: its tries, and what it waited between them. */
export function renderGantt(rows: readonly GanttRow[], scale: GanttScale): string {
  const idWidth = Math.min(longestId, Math.max(...rows.map(({ taskId }) => taskId.length)))
  const notes = rows.map((row) => describe(row, scale.endMs))
  const noteWidth = Math.max(...notes.map((note) => note.length))
  const columns = Math.max(scale.width - idWidth - noteWidth - 6, narrowestBar)
  const lines = rows.map((row, index) => {
    const id = shorten(row.taskId, idWidth).padEnd(idWidth)
    const bar = drawBar(row.attempts, scale, columns)
    return `${row.isCritical ? '*' : ' '} ${id}  ${bar}  ${notes[index]?.padStart(noteWidth)}`
  })
  return lines.join('\n')
}

function describe({ attempts }: GanttRow, nowMs: number): string {
  const startMs = attempts[0]?.startMs ?? nowMs
  const endMs = attempts.at(-1)?.endMs ?? nowMs
  const tries = attempts.length > 1 ? `${attempts.length} tries ` : ''
  return `${tries}${(Math.max(endMs - startMs, 0) / 1_000).toFixed(1)} s`
}

function drawBar(attempts: readonly AttemptBar[], scale: GanttScale, columns: number): string {
  const totalMs = Math.max(scale.endMs - scale.startMs, 1)
  const column = (ms: number) =>
    Math.min(Math.max(Math.floor(((ms - scale.startMs) / totalMs) * columns), 0), columns - 1)
  const cells = Array.from({ length: columns }, () => ' ')
  const first = column(attempts[0]?.startMs ?? scale.startMs)
  const last = column(attempts.at(-1)?.startMs ?? scale.startMs)
  cells.fill(pause, first, last)
  for (const { state, startMs, endMs } of attempts) {
    const from = column(startMs)
    const to = Math.max(column((endMs ?? scale.endMs) - 1), from)
    cells.fill(marks[state], from, to + 1)
  }
  return cells.join('')
}

function shorten(id: string, width: number): string {
  return id.length > width ? `${id.slice(0, width - 1)}…` : id
}
