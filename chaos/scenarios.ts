import { killedAfterCommit, killedInCopy, storm, temporalKilled, workerKilled } from './kills.ts'
import type { Scenario } from './round.ts'
import { badMailServer, clockSteps, frozenWorker, fullDisk } from './stalls.ts'
import { crossingBackfills, duplicateStarts, terminatedRuns } from './starts.ts'

const few = 1

/** For the tests: one of each kind of kill, before the first day is through, and mails that are refused. */
const short: Scenario = {
  name: 'short',
  faults: 'a kill of each process, a publication whose reply is lost, a mail server that refuses',
  async strike(on) {
    await on.servers.mail.setMood('refuses')
    on.tell('mail server refuses')
    await temporalKilled.strike({ ...on, kills: few })
    await killedInCopy.strike({ ...on, kills: few })
    await killedAfterCommit.strike({ ...on, kills: few })
    await workerKilled.strike({ ...on, kills: few })
  },
}

/** Every way in which a week can be disturbed; the first one is repeated for as long as there is time. */
export const scenarios: readonly Scenario[] = [
  storm,
  ...[workerKilled, killedInCopy, killedAfterCommit, temporalKilled, frozenWorker],
  ...[badMailServer, fullDisk, clockSteps],
  ...[duplicateStarts, terminatedRuns, crossingBackfills],
  short,
]
