/** One try of a task; it has no end while it goes on, and where its end is not known. */
export interface AttemptBar {
  readonly state: 'running' | 'success' | 'failed' | 'cancelled'
  readonly startMs: number
  readonly endMs: number | null
}

export interface GanttRow {
  readonly taskId: string
  readonly isCritical: boolean
  /** Waits for its next try, now. */
  readonly isRetrying?: boolean
  /** None of a task whose tries were not written. */
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
    const bar = drawBar(row, scale, columns)
    return `${row.isCritical ? '*' : ' '} ${id}  ${bar}  ${notes[index]?.padStart(noteWidth)}`
  })
  return lines.join('\n')
}

function describe({ attempts, isRetrying }: GanttRow, nowMs: number): string {
  const startMs = attempts[0]?.startMs ?? nowMs
  const last = attempts.at(-1)
  const endMs = isRetrying ? nowMs : (last?.endMs ?? nowMs)
  const tries = attempts.length > 1 ? `${attempts.length} tries ` : ''
  const isEndUnknown = last?.endMs === null && last.state !== 'running' && !isRetrying
  if (last === undefined || isEndUnknown) return `${tries}- s`
  return `${tries}${(Math.max(endMs - startMs, 0) / 1_000).toFixed(1)} s`
}

function drawBar({ attempts, isRetrying }: GanttRow, scale: GanttScale, columns: number): string {
  if (attempts.length === 0) return ' '.repeat(columns)
  const totalMs = Math.max(scale.endMs - scale.startMs, 1)
  const column = (ms: number) =>
    Math.min(Math.max(Math.floor(((ms - scale.startMs) / totalMs) * columns), 0), columns - 1)
  const cells = Array.from({ length: columns }, () => ' ')
  const first = column(attempts[0]?.startMs ?? scale.startMs)
  const last = isRetrying ? columns : column(attempts.at(-1)?.startMs ?? scale.startMs)
  cells.fill(pause, first, last)
  for (const { state, startMs, endMs } of attempts) {
    const from = column(startMs)
    const openMs = state === 'running' ? scale.endMs : startMs
    const to = Math.max(column((endMs ?? openMs) - 1), from)
    cells.fill(marks[state], from, to + 1)
  }
  return cells.join('')
}

function shorten(id: string, width: number): string {
  return id.length > width ? `${id.slice(0, width - 1)}…` : id
}
