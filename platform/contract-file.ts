import { readFile } from 'node:fs/promises'
import { parseAllDocuments, stringify } from 'yaml'
import { z } from 'zod'
import type { ContractData } from '../domain/contracts/contract-data.ts'
import { fromOdcs } from '../domain/contracts/from-odcs.ts'
import { toOdcs } from '../domain/contracts/to-odcs.ts'
import { whyUnusable } from './unusable-file.ts'

/** A file that holds no exported contract; the message says why, and what to do. */
export class NoContractError extends Error {
  override name = 'NoContract'
}

/** YAML, one document a contract. */
export function contractsAsYaml(contracts: readonly ContractData[]): string {
  const options = { lineWidth: 0, aliasDuplicateObjects: false }
  return contracts.map((contract) => stringify(toOdcs(contract), options)).join('---\n')
}

/**
 * Reads exported contracts: YAML with a document each, or JSON with one or an array of them.
 * @throws NoContractError
 */
export async function readContracts(path: string): Promise<ContractData[]> {
  return contractsIn(await readText(path), path)
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new NoContractError(whyUnusable(path, error), { cause: error })
  }
}

function contractsIn(text: string, path: string): ContractData[] {
  const documents = parseAllDocuments(text)
  if (documents.length === 0) throw notExported(path, 'it is empty')
  try {
    return documents.flatMap((document) => {
      const [problem] = document.errors
      if (problem) throw notExported(path, problem.message.split('\n', 1)[0] ?? '')
      const value: unknown = document.toJS()
      return (Array.isArray(value) ? value : [value]).map(fromOdcs)
    })
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error
    const [issue] = error.issues
    const place = issue?.path.join('.') || 'the document'
    throw notExported(path, `${place}: ${issue?.message ?? 'it is something else'}`)
  }
}

function notExported(path: string, reason: string): NoContractError {
  return new NoContractError(
    `${path} holds no exported contract (${reason}); make one with: daybook contract export`,
  )
}
