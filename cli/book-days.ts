import type { Daybook } from './start-daybook.ts'
export async function bookDays(daybook: Daybook, dagId: string, days: string[]): Promise<void> {}
