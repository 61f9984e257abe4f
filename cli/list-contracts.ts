import { checksOf } from '../domain/checks.ts'
import type { Check } from '../domain/checks-kinds.ts'
import { boundsText } from '../domain/checks-verdict.ts'
import { allContracts } from '../domain/contracts/all-contracts.ts'
import { fieldOf, rulesOf, type Column, type Contract } from '../domain/contracts/contract.ts'
import { loadConfig } from '../platform/config.ts'
import { contractsNamed } from './contract-named.ts'
import { printJson, printLine, printTable, type Cell } from './print.ts'

export function listContracts({ json }: { json?: true }): void {
  const rows = allContracts(loadConfig().shopTimeZone).map(countContract)
  if (json) return printJson(rows)
  const titles = ['source', 'shop', 'format', 'time zone', 'columns', 'rules', 'checks']
  const cells = rows.map((row): Cell[] => Object.values(row))
  printTable(titles, cells, 'No source has a contract.')
}

function countContract(contract: Contract) {
  const { source, shopId, format, timeZone, columns } = contract
  const [rules, checks] = [rulesOf(contract).length, checksOf(contract).length]
  return { source, shop: shopId, format, timeZone, columns: columns.length, rules, checks }
}

export function showContract(source: string, { json }: { json?: true }): void {
  const [contract] = contractsNamed(allContracts(loadConfig().shopTimeZone), source)
  const checks = checksOf(contract)
  if (json) {
    return printJson({ ...contract, rules: rulesOf(contract), checks: checks.map(describeCheck) })
  }
  const { shopId, format, timeZone, severity = 'error' } = contract
  printLine(`${source} of the shop ${shopId}: ${format}, days of ${timeZone}`)
  printLine(`Its rules are of severity ${severity} where they do not say otherwise.\n`)
  const rules = rulesOf(contract)
  const columns = contract.columns.map((column) => [
    ...[column.name, fieldOf(column), column.type, isNeeded(column)],
    rules
      .filter((rule) => rule.column === column.name)
      .map((rule) => (rule.severity === severity ? rule.id : `${rule.id} (${rule.severity})`))
      .join(', '),
  ])
  printTable(['column', 'field', 'type', 'needed', 'rules'], columns, 'No columns.')
  printLine()
  const described = checks.map((check) => Object.values(describeCheck(check)))
  printTable(['check', 'severity', 'expected'], described, 'No checks.')
}

function isNeeded(column: Column): string {
  if (column.required) return 'required'
  if (column.requiredWhen) return `when ${column.requiredWhen}`
  return column.defaultSql ? 'default' : 'optional'
}

function describeCheck(check: Check) {
  const { id, severity, words } = check
  return { id, severity, expected: `${boundsText(check)} ${words}` }
}
