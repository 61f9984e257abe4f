export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

export function printLine(line = ''): void {
  process.stdout.write(`${line}\n`)
}

export type Cell = string | number | boolean | null | undefined

/** Columns of equal width, numbers to the right; `-` where there is nothing. */
export function formatTable(titles: string[], rows: Cell[][]): string {
  const texts = rows.map((row) => row.map(cellText))
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...texts.map((row) => row[column]?.length ?? 0)),
  )
  const isNumeric = titles.map((_, column) =>
    rows.every((row) => typeof row[column] !== 'string' && typeof row[column] !== 'boolean'),
  )
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return isNumeric[column] ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [line(titles), line(widths.map((width) => '-'.repeat(width))), ...texts.map(line)].join(
    '\n',
  )
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return '-'
  return typeof cell === 'number' ? cell.toLocaleString('en-US') : String(cell)
}

/** Prints rows as a table, or says that there are none. */
export function printTable(titles: string[], rows: Cell[][], whenEmpty: string): void {
  printLine(rows.length === 0 ? whenEmpty : formatTable(titles, rows))
}

export function seconds(value: number | string | null): string {
  return value === null ? '-' : Number(value).toFixed(1)
}

/** A time stamp as a person reads it, in UTC. */
export function instant(value: Date | null): string {
  return value === null ? '-' : value.toISOString().slice(0, 19).replace('T', ' ')
}
