import { allContracts } from '../domain/contracts/all-contracts.ts'
import { lintContract } from '../domain/contracts/lint.ts'
import { loadConfig } from '../platform/config.ts'
import { CommandFailed } from './exit-codes.ts'
import { printJson, printTable } from './print.ts'

/** Says what in the contracts cannot be meant. */
export function lintContracts({ json }: { json?: true }): void {
  const contracts = allContracts(loadConfig().shopTimeZone)
  const problems = contracts.flatMap(lintContract)
  if (json) printJson(problems)
  else {
    const rows = problems.map(({ source, column, problem }) => [source, column, problem])
    printTable(['source', 'column', 'problem'], rows, `${contracts.length} contracts, no problem.`)
  }
  if (problems.length > 0) throw new CommandFailed(`The contracts have ${problems.length} problems`)
}
