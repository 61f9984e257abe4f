import type { Command } from 'commander'

export interface ListedCommand {
  /** As `daybook --help` shows it; the first word is its name. */
  readonly usage: string
  readonly description: string
  /** Loads the command with all that it needs. */
  readonly register: (program: Command) => Promise<void>
}

/** Every command, in the order of `daybook --help`, which loads none of them. */
export const commands: readonly ListedCommand[] = [
  {
    usage: 'up [options]',
    description: 'start everything and stay up until Ctrl-C (npm start)',
    register: async (program) => (await import('./up.ts')).registerUp(program),
  },
  {
    usage: 'demo [options]',
    description: 'start everything, book 14 days of a sample shop, print the summary and stop',
    register: async (program) => (await import('./demo.ts')).registerDemo(program),
  },
  {
    usage: 'generate [options]',
    description: 'write days of the sample shop, with a manifest of everything planted in them',
    register: async (program) => (await import('./generate.ts')).registerGenerate(program),
  },
  {
    usage: 'run [options] <date>',
    description: 'run a DAG for a day, again if it has run, and wait for the end',
    register: async (program) => (await import('./run.ts')).registerRun(program),
  },
  {
    usage: 'backfill [options] <from> <to>',
    description: 'run a DAG for every day of a range, and wait for the end',
    register: async (program) => (await import('./backfill.ts')).registerBackfill(program),
  },
  {
    usage: 'runs [options]',
    description: 'list the runs, the newest day first',
    register: async (program) => (await import('./runs.ts')).registerRuns(program),
  },
  {
    usage: 'show [options] <run>',
    description: 'show one run: its tasks, attempts, files, checks and what it restated',
    register: async (program) => (await import('./show.ts')).registerShow(program),
  },
  {
    usage: 'quarantine',
    description: 'list rejected records, correct them, and have their days booked again',
    register: async (program) => (await import('./quarantine.ts')).registerQuarantine(program),
  },
  {
    usage: 'anomalies [options]',
    description: 'list unusual orders and unusual figures of a day',
    register: async (program) => (await import('./anomalies.ts')).registerAnomalies(program),
  },
  {
    usage: 'doctor [options]',
    description: 'check everything Daybook needs, and say what to do about what is missing',
    register: async (program) => (await import('./doctor.ts')).registerDoctor(program),
  },
  {
    usage: 'backfills [options] [backfill]',
    description: 'list the backfills, the newest first, or what became of every day of one',
    register: async (program) => (await import('./backfills.ts')).registerBackfills(program),
  },
  {
    usage: 'gaps [options]',
    description: 'name the dates that were due and have no successful run, and fill them',
    register: async (program) => (await import('./gaps.ts')).registerGaps(program),
  },
  {
    usage: 'datasets [options]',
    description: 'list the datasets: who writes them, who waits for them, and for what',
    register: async (program) => (await import('./datasets.ts')).registerDatasets(program),
  },
  {
    usage: 'pools',
    description: 'list the pools of slots that tasks of all runs share, and set their sizes',
    register: async (program) => (await import('./pools.ts')).registerPools(program),
  },
  {
    usage: 'verify [options]',
    description: 'rebuild the published tables from staging and compare them, row for row',
    register: async (program) => (await import('./verify.ts')).registerVerify(program),
  },
  {
    usage: 'contract',
    description: 'what each source has to deliver, and how well its rules and checks watch over it',
    register: async (program) => (await import('./contract.ts')).registerContract(program),
  },
  {
    usage: 'plan [options] [date]',
    description: 'say what would be made anew, and why: days, tasks and tables that are stale',
    register: async (program) => (await import('./plan.ts')).registerPlan(program),
  },
  {
    usage: 'clear [options] [run]',
    description: 'run tasks of a run again: what failed and everything downstream of it',
    register: async (program) => (await import('./clear.ts')).registerClear(program),
  },
  {
    usage: 'mark [options] [run] [tasks...]',
    description: 'set the state of tasks by hand; what failed behind them runs again',
    register: async (program) => (await import('./mark.ts')).registerMark(program),
  },
  {
    usage: 'pause [options] <run>',
    description: 'start no further tasks of a run; those that run finish',
    register: async (program) => (await import('./pause.ts')).registerPause(program),
  },
  {
    usage: 'resume [options] <run>',
    description: 'let a paused run go on',
    register: async (program) => (await import('./pause.ts')).registerPause(program),
  },
  {
    usage: 'approve [options] <run> <task>',
    description: 'let a task that waits for approval pass',
    register: async (program) => (await import('./decide.ts')).registerDecide(program),
  },
  {
    usage: 'reject [options] <run> <task>',
    description: 'answer no to a task: what follows is skipped, or the run fails, as its DAG says',
    register: async (program) => (await import('./decide.ts')).registerDecide(program),
  },
  {
    usage: 'dags [options]',
    description: 'list the DAGs: schedule, next run, whether paused, latest run',
    register: async (program) => (await import('./dags.ts')).registerDags(program),
  },
  {
    usage: 'graph [options] <dag>',
    description: 'draw the tasks of a DAG and their edges, of the code or of a run',
    register: async (program) => (await import('./graph.ts')).registerGraph(program),
  },
  {
    usage: 'gantt [options] <run>',
    description: 'show when the tasks of a run ran, its critical path and its expected finish',
    register: async (program) => (await import('./gantt.ts')).registerGantt(program),
  },
  {
    usage: 'why [options] <run> <task>',
    description: 'say why a task is in its state, or what it waits for, back to the first cause',
    register: async (program) => (await import('./why.ts')).registerWhy(program),
  },
  {
    usage: 'history',
    description: "keep the histories of runs, and hold them against today's code",
    register: async (program) => (await import('./history.ts')).registerHistory(program),
  },
]

export function nameOf({ usage }: ListedCommand): string {
  return usage.split(' ', 1)[0] ?? usage
}
