const widthInPipe = 80

/** Columns that a line may take. */
export function terminalWidth(): number {
  return process.stdout.isTTY ? process.stdout.columns : widthInPipe
}
