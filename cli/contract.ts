import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import { jsonOption, parseCount, parseDate } from './arguments.ts'
import { backtestContract } from './backtest-contract.ts'
import { diffShipped } from './diff-contract.ts'
import { exportContract } from './export-contract.ts'
import { lintContracts } from './lint-contracts.ts'
import { listContracts, showContract } from './list-contracts.ts'
import { mutateContract } from './mutate-contract.ts'

export function registerContract(program: Command): void {
  const contract = program.command('contract').addHelpText(
    'after',
    `
Examples:
  daybook contract list
  daybook contract show orders
  daybook contract lint
  daybook contract mutate orders --seed 7
  daybook contract export orders > orders.odcs.yaml
  daybook contract diff orders --against orders.odcs.yaml
  daybook contract backtest orders --days 30

All print JSON with --json. docs/contracts.md says what the words mean.`,
  )
  contract
    .command('list')
    .description('every source: its columns, rules and checks, counted')
    .addOption(jsonOption())
    .action(listContracts)
  contract
    .command('show')
    .argument('<source>', 'such as orders')
    .description("one source's columns, the rules of its records and the checks of its days")
    .addOption(jsonOption())
    .action(showContract)
  contract
    .command('lint')
    .description(
      'what in the contracts cannot be meant: bounds that exclude each other, rules twice, …',
    )
    .addOption(jsonOption())
    .action(lintContracts)
  registerMutate(contract)
  registerExport(contract)
  registerDiff(contract)
  registerBacktest(contract)
}

function registerMutate(contract: Command): void {
  contract
    .command('mutate')
    .argument('[source]', 'only this source of the shop: orders, events or products')
    .description('spoil a good day in every typed way, and list what no rule and no check notices')
    .addOption(
      new Option('--seed <number>', 'another seed spoils other records of another shop')
        .default(1)
        .argParser(parseSeed),
    )
    .addOption(
      new Option(
        '--date <date>',
        'spoil this delivery of the landing zone, after the days before it that are there',
      ).argParser(parseDate),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Each mutant goes through extract, transform and checks, in a database of its own that is dropped
afterwards; nothing of the shop's is touched. Exits with 1 when fewer than 90 % of them are caught.

Examples:
  daybook contract mutate
  daybook contract mutate events --seed 7 --json`,
    )
    .action(mutateContract)
}

function registerExport(contract: Command): void {
  contract
    .command('export')
    .argument('[source]', 'only this source, such as orders')
    .description('print contracts in the Open Data Contract Standard 3.1, as YAML')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  daybook contract export > contracts.odcs.yaml
  daybook contract export orders --json`,
    )
    .action(exportContract)
}

function registerDiff(contract: Command): void {
  contract
    .command('diff')
    .argument('[source]', 'only this source, such as orders')
    .description('compare the shipped contracts with exported ones: breaking, widening or harmless')
    .requiredOption('--against <file>', 'what daybook contract export has printed')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Names what reads each column that changed. Exits with 1 when a breaking change does not move the major
version of its contract.

Examples:
  daybook contract diff --against contracts.odcs.yaml
  daybook contract diff orders --against orders.odcs.yaml --json`,
    )
    .action(diffShipped)
}

function registerBacktest(contract: Command): void {
  contract
    .command('backtest')
    .argument('[source]', 'only this source, such as orders')
    .description('judge published days again by the rules and checks of the code as it is here')
    .addOption(
      new Option('--days <count>', 'so many days up to the newest published one')
        .default(30)
        .argParser(parseCount),
    )
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Compares with what was recorded when each day was published. Nothing is written, and runs go on
meanwhile. Exits with 1 when a published day would be stopped now.

Examples:
  daybook contract backtest
  daybook contract backtest orders --days 7 --json`,
    )
    .action(backtestContract)
}

function parseSeed(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a whole number from 0 to 999999999.')
}
