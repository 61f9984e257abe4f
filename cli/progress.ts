const barWidth = 30
const stepsALine = 10

/** Tells a person how far something is: a moving line on a terminal, a line a step in a pipe. */
export interface Progress {
  /** `finished` is printed for good, once; `current` only moves on a terminal. */
  update(done: number, current: string): void
  finished(line: string): void
  /** `current` is worth a line in a pipe as well, now and then: the tenth, the twentieth, …, the last. */
  step(done: number, current: string): void
  end(): void
}

export function createProgress(total: number, output = process.stderr): Progress {
  const clear = () => (output.isTTY ? '\r\u001b[K' : '')
  const update = (done: number, current: string) => {
    if (!output.isTTY) return
    const filled = Math.round((barWidth * done) / Math.max(total, 1))
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
    const line = `${bar} ${done}/${total} ${current}`
    output.write(clear() + line.slice(0, Math.max(output.columns - 1, 20)))
  }
  return {
    update,
    step(done, current) {
      if (output.isTTY) update(done, current)
      else if (done % stepsALine === 0 || done === total)
        output.write(`${done} of ${total}  ${current}\n`)
    },
    finished: (line) => output.write(`${clear()}${line}\n`),
    end: () => output.write(clear()),
  }
}
