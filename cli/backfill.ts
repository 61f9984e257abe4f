import type { Command } from 'commander'
export function registerBackfill(program: Command): void {
  program.command('backfill')
}
