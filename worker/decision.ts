import type { ConcludeActivationInput } from '@temporalio/workflow'

type Command = ConcludeActivationInput['commands'][number]

/** Something that a workflow asked the server for; two are the same if their words are. */
export interface Decision {
  /** Local activities and patches are recorded in another order than they are decided in. */
  readonly lane: 'main' | 'local' | 'patch'
  /** `scheduled activity publish (publish)` */
  readonly past: string
  /** `schedules activity publish (publish)` */
  readonly present: string
}

function decide(lane: Decision['lane'], past: string, present: string, what: string): Decision {
  return { lane, past: `${past} ${what}`, present: `${present} ${what}` }
}

type Id = string | null | undefined

export const decisions = {
  activity: (id: Id, type: Id) =>
    decide('main', 'scheduled', 'schedules', `activity ${id} (${type})`),
  localActivity: (type: Id) => decide('local', 'ran', 'runs', `local activity ${type}`),
  patch: (id: Id) => decide('patch', 'went by', 'goes by', `patch ${id}`),
  timer: () => decide('main', 'started', 'starts', 'a timer'),
  child: (id: Id, type: Id) =>
    decide('main', 'started', 'starts', `child workflow ${id} (${type})`),
  searchAttributes: () => decide('main', 'set', 'sets', 'search attributes'),
  memo: () => decide('main', 'set', 'sets', 'the memo'),
  signal: (to: Id, name: Id) => decide('main', 'sent', 'sends', `signal ${name} to ${to}`),
  cancelOther: (id: Id) => decide('main', 'asked', 'asks', `${id} to cancel`),
  complete: () => decide('main', 'completed', 'completes', 'the workflow'),
  fail: () => decide('main', 'failed', 'fails', 'the workflow'),
  cancel: () => decide('main', 'ended', 'ends', 'the workflow as cancelled'),
  continueAsNew: () => decide('main', 'continued', 'continues', 'the workflow as new'),
}

/** What today's code decides; answers to queries and updates, and cancels that the server may drop, are none. */
export function decisionOfCommand(command: Command): Decision | undefined {
  const { scheduleActivity, scheduleLocalActivity, startChildWorkflowExecution } = command
  if (scheduleActivity) {
    return decisions.activity(scheduleActivity.activityId, scheduleActivity.activityType)
  }
  if (scheduleLocalActivity) return decisions.localActivity(scheduleLocalActivity.activityType)
  if (startChildWorkflowExecution) {
    const { workflowId, workflowType } = startChildWorkflowExecution
    return decisions.child(workflowId, workflowType)
  }
  const { signalExternalWorkflowExecution: signal, setPatchMarker: patch } = command
  if (signal) {
    const to = signal.workflowExecution?.workflowId ?? signal.childWorkflowId
    return decisions.signal(to, signal.signalName)
  }
  if (patch) return decisions.patch(patch.patchId)
  const other = command.requestCancelExternalWorkflowExecution?.workflowExecution
  if (other) return decisions.cancelOther(other.workflowId)
  return plainDecision(command)
}

function plainDecision(command: Command): Decision | undefined {
  if (command.startTimer) return decisions.timer()
  if (command.upsertWorkflowSearchAttributes) return decisions.searchAttributes()
  if (command.modifyWorkflowProperties) return decisions.memo()
  if (command.completeWorkflowExecution) return decisions.complete()
  if (command.failWorkflowExecution) return decisions.fail()
  if (command.cancelWorkflowExecution) return decisions.cancel()
  return command.continueAsNewWorkflowExecution ? decisions.continueAsNew() : undefined
}
