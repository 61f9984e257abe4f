/** A daily schedule. */
export interface Cron {
  /** HH:MM */
  readonly timeOfDay: string
}

/**
 * Reads a cron expression that ticks once a day: `minute hour * * *`.
 * @throws Error saying what is wrong with it
 */
export function parseDailyCron(expression: string): Cron {
  const fields = expression.trim().split(/\s+/)
  if (fields.length !== 5) {
    throw new Error(`cron "${expression}" has ${fields.length} fields instead of 5`)
  }
  const [minute = '', hour = '', ...days] = fields
  if (days.some((field) => field !== '*')) {
    throw new Error(
      `cron "${expression}" does not tick every day; write "minute hour * * *" and let a branch ` +
        'skip the days on which there is nothing to do',
    )
  }
  const timeOfDay = [numberIn(hour, 23), numberIn(minute, 59)]
  if (timeOfDay.includes(undefined)) {
    throw new Error(`cron "${expression}" names no time of day; write it like "0 2 * * *"`)
  }
  return { timeOfDay: timeOfDay.join(':') }
}

function numberIn(text: string, max: number): string | undefined {
  return /^\d{1,2}$/.test(text) && Number(text) <= max ? text.padStart(2, '0') : undefined
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
