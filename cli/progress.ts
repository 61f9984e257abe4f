const barWidth = 30

/** Tells a person how far something is: a moving line on a terminal, a line a step in a pipe. */
export interface Progress {
  /** `finished` is printed for good, once; `current` only moves on a terminal. */
  update(done: number, current: string): void
  finished(line: string): void
  end(): void
}

export function createProgress(total: number, output = process.stderr): Progress {
  const clear = () => (output.isTTY ? '\r\u001b[K' : '')
  return {
    update(done, current) {
      if (!output.isTTY) return
      const filled = Math.round((barWidth * done) / Math.max(total, 1))
      const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
      const line = `${bar} ${done}/${total} ${current}`
      output.write(clear() + line.slice(0, Math.max(output.columns - 1, 20)))
    },
    finished: (line) => output.write(`${clear()}${line}\n`),
    end: () => output.write(clear()),
  }
}
