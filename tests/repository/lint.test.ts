import { ESLint } from 'eslint'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** Lints a text as if it were the product's file of that name, with types and all. */
async function lint(filePath: string, text: string) {
  const eslint = new ESLint({ cwd: root })
  const [result] = await eslint.lintText(text, { filePath: join(root, filePath) })
  return (result?.messages ?? []).map((message) => `${message.line}: ${message.ruleId}`)
}

const workflow = (call: string) => `import { proxyActivities } from '@temporalio/workflow'

interface Activities {
  loadOrders(date: string): Promise<number>
}

const activities = proxyActivities<Activities>({ startToCloseTimeout: '1 minute' })

export async function planted(date: string): Promise<string> {
  ${call}
  return date
}
`

test('an activity call without await is caught', { timeout: 60_000 }, async () => {
  const file = 'workflows/deliver-mail.ts'
  const caught = ['10: @typescript-eslint/no-floating-promises']
  expect(await lint(file, workflow('await activities.loadOrders(date)'))).toEqual([])
  expect(await lint(file, workflow('activities.loadOrders(date)'))).toEqual(caught)
  expect(await lint(file, workflow('void activities.loadOrders(date)'))).toEqual(caught)
})

test('the environment is read in platform/config.ts alone', { timeout: 60_000 }, async () => {
  const text = 'export const url = process.env["DATABASE_URL"]\n'
  expect(await lint('platform/database.ts', text)).toEqual(['1: no-restricted-properties'])
  expect(await lint('platform/config.ts', text)).toEqual([])
})
