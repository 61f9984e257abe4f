import { allContracts } from '../domain/contracts/all-contracts.ts'
import { toOdcs } from '../domain/contracts/to-odcs.ts'
import { loadConfig } from '../platform/config.ts'
import { contractsAsYaml } from '../platform/contract-file.ts'
import { contractsNamed } from './contract-named.ts'
import { describeWithSla } from './describe-contracts.ts'
import { printJson } from './print.ts'

/** Prints contracts in the Open Data Contract Standard, one document a source. */
export function exportContract(source: string | undefined, { json }: { json?: true }): void {
  const contracts = contractsNamed(allContracts(loadConfig().shopTimeZone), source)
  const described = contracts.map(describeWithSla)
  if (!json) {
    process.stdout.write(contractsAsYaml(described))
    return
  }
  const documents = described.map(toOdcs)
  printJson(source === undefined ? documents : documents[0])
}
