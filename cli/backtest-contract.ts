import { backtest, type BacktestDay } from '../activities/backtest.ts'
import { allContracts } from '../domain/contracts/all-contracts.ts'
import { withDatabase } from './connect.ts'
import { contractsNamed } from './contract-named.ts'
import { CommandFailed, UsageError } from './exit-codes.ts'
import { printJson, printLine, printTable, seconds, type Cell } from './print.ts'
import { createProgress } from './progress.ts'

interface Flags {
  days: number
  json?: true
}

/** Judges the last published days by the rules and checks of the code as it is here. */
export async function backtestContract(
  source: string | undefined,
  { days, json }: Flags,
): Promise<void> {
  const startedMs = performance.now()
  const judged = await withDatabase(async (database, config) => {
    const contracts = contractsNamed(allContracts(config.shopTimeZone), source)
    const progress = createProgress(contracts.length * days)
    const found: BacktestDay[] = []
    for (const contract of contracts) {
      const onDay = (day: BacktestDay) => {
        found.push(day)
        progress.update(found.length, `${day.source} ${day.date}`)
      }
      await backtest(database, { contract, days }, onDay)
    }
    progress.end()
    return found
  })
  if (judged.length === 0) {
    throw new UsageError(
      `error: no day ${source === undefined ? '' : `of ${source} `}is published; book one with: daybook run DATE`,
    )
  }
  const took = Number(((performance.now() - startedMs) / 1000).toFixed(3))
  if (json) printJson({ days: judged, seconds: took })
  else printReport(judged, took)
  const stopped = judged.filter(({ now }) => now === 'stopped')
  if (stopped.length > 0) {
    const names = stopped.map((day) => `${day.source} of ${day.date}`).join(', ')
    throw new CommandFailed(`Published days that would be stopped now: ${names}`)
  }
}

function printReport(days: readonly BacktestDay[], took: number): void {
  const titles = ['source', 'day', 'recorded', 'now', 'received']
  const counts = ['bad then', 'bad now', 'enter', 'leave', 'seconds']
  printTable([...titles, ...counts], days.map(dayCells), '')
  printRules(days)
  printMoves(days)
  printRecords(days)
  for (const { source, date, refused } of days) {
    if (refused !== null) printLine(`\n${source} of ${date} would be refused. ${refused}`)
  }
  if (days.some(({ isRedelivered }) => isRedelivered)) {
    printLine('\n* delivered again since it was published: the newest delivery is judged.')
  }
  const judged = days.length === 1 ? '1 published day' : `${days.length} published days`
  printLine(`\nNothing was written. ${judged} judged in ${seconds(took)} s.`)
}

function dayCells(day: BacktestDay): Cell[] {
  const { records } = day
  return [
    ...[day.source, `${day.date}${day.isRedelivered ? '*' : ''}`, day.recorded, day.now],
    ...[day.received, records?.quarantined.recorded, records?.quarantined.now],
    ...[records?.entering, records?.leaving, seconds(day.seconds)],
  ]
}

function printRules(days: readonly BacktestDay[]): void {
  const counts = days.flatMap(({ source, rules }) => rules.map((rule) => ({ source, ...rule })))
  const groups = Map.groupBy(counts, ({ source, rule }) => `${source} ${rule}`)
  const rows = [...groups.values()].map((group): Cell[] => {
    const sum = (count: 'recorded' | 'now') => group.reduce((total, each) => total + each[count], 0)
    const [recorded, now] = [sum('recorded'), sum('now')]
    const difference = now === recorded ? 'same' : `${now > recorded ? '+' : ''}${now - recorded}`
    return [group[0]?.source, group[0]?.rule, recorded, now, difference]
  })
  printLine()
  const titles = ['source', 'rule', 'records then', 'records now', 'difference']
  printTable(titles, rows, 'No record breaks a rule, then or now.')
}

function printMoves(days: readonly BacktestDay[]): void {
  const rows = days.flatMap(({ date, checks }) =>
    checks.map((move): Cell[] => [
      ...[date, move.check, move.recorded ?? 'no such check', move.now ?? 'no such check'],
      ...[move.expected, move.actual],
    ]),
  )
  printLine()
  const titles = ['day', 'check', 'recorded', 'now', 'expected', 'found']
  printTable(titles, rows, 'No check says anything else.')
}

function printRecords(days: readonly BacktestDay[]): void {
  const rows = days.flatMap(({ source, records }) =>
    (records?.samples ?? []).map(({ record, moved, rules }): Cell[] => [
      ...[source, record, moved, rules.join(', ')],
    ]),
  )
  printLine()
  printTable(
    ['source', 'record', 'quarantine', 'rules'],
    rows,
    'No record enters quarantine or leaves it.',
  )
}
