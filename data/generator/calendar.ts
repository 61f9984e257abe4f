/** Days since 1970-01-01 in UTC: all arithmetic of the generator is done on these. */
export function dayOf(date: string): number {
  return Math.floor(Date.parse(`${date}T00:00:00Z`) / 86_400_000)
}

const dateTexts = new Map<number, string>()

export function dateOf(day: number): string {
  let text = dateTexts.get(day)
  if (text === undefined) {
    text = new Date(day * 86_400_000).toISOString().slice(0, 10)
    dateTexts.set(day, text)
  }
  return text
}

/** 0 is Monday. */
export function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7
}

export function mondayOf(day: number): number {
  return day - weekdayOf(day)
}

const clockTexts: string[] = []

function clockText(second: number): string {
  let text = clockTexts[second]
  if (text === undefined) {
    text = new Date(second * 1000).toISOString().slice(10, 20).replace('.', 'Z')
    clockTexts[second] = text
  }
  return text
}

export function timestampOf(day: number, second: number): string {
  return dateOf(day) + clockText(second)
}

export function compactDate(day: number): string {
  return dateOf(day).replaceAll('-', '')
}

export function padded(value: number, width: number): string {
  return String(value).padStart(width, '0')
}
