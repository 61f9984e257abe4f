import type { Command } from 'commander'
import { jsonOption } from './arguments.ts'
import type { Finding } from './checks.ts'
import { allChecks, runCheck } from './checks.ts'
import { exitCodes } from './exit-codes.ts'
import { printJson, printLine } from './print.ts'

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Exits with 1 if a check fails. What is not running yet is no failure: it is said.

Examples:
  daybook doctor
  DATABASE_URL=postgres://user@db.example/books daybook doctor --json`,
    )
    .action(runDoctor)
}

async function runDoctor({ json }: { json?: true }): Promise<void> {
  const findings: Finding[] = []
  for (const check of allChecks()) {
    const finding = await runCheck(check)
    findings.push(finding)
    if (!json) printFinding(finding)
  }
  if (json) printJson(findings)
  const hasFailed = findings.some((finding) => finding.state === 'failed')
  if (hasFailed) process.exitCode = exitCodes.failed
  else if (!json) printLine('\nAll is well.')
}

const marks = { ok: 'ok    ', note: 'note  ', failed: 'FAILED' } as const

function printFinding(finding: Finding): void {
  printLine(`${marks[finding.state]}  ${finding.name.padEnd(18)}  ${finding.found}`)
  if (finding.state !== 'failed') return
  printLine(`        Remedy: ${finding.remedy}`)
}
