// Tries many histories: npm run converge -- [--seed N] [--histories M]
import { parseArgs } from 'node:util'
import { startVitest } from 'vitest/node'
import { z } from 'zod'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    histories: { type: 'string', default: '1000' },
  },
})
const count = z.coerce.number().int().min(1)
const convergence = { seed: count.parse(values.seed), histories: count.parse(values.histories) }
console.log(`seed ${convergence.seed}, ${convergence.histories} histories`)
const vitest = await startVitest('test', ['tests/convergence/convergence.test.ts'], {
  ...{ watch: false, provide: { convergence } },
})
await vitest.close()
