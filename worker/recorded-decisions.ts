import { z } from 'zod'
import type { History } from '../platform/history-json.ts'
import type { Decision } from './decision.ts'
import { decisions } from './decision.ts'

type HistoryEvent = NonNullable<History['events']>[number]

export interface RecordedDecision {
  readonly eventId: number
  readonly decision: Decision
}

/** What the workflow decided when its history was made, in the order of its events. */
export function recordedDecisions(history: History): RecordedDecision[] {
  return (history.events ?? []).flatMap((event) => {
    const decision = decisionOfEvent(event)
    return decision === undefined ? [] : [{ eventId: Number(String(event.eventId)), decision }]
  })
}

function decisionOfEvent(event: HistoryEvent): Decision | undefined {
  const activity = event.activityTaskScheduledEventAttributes
  if (activity) return decisions.activity(activity.activityId, activity.activityType?.name)
  const child = event.startChildWorkflowExecutionInitiatedEventAttributes
  if (child) return decisions.child(child.workflowId, child.workflowType?.name)
  const signal = event.signalExternalWorkflowExecutionInitiatedEventAttributes
  if (signal) return decisions.signal(signal.workflowExecution?.workflowId, signal.signalName)
  const cancelled = event.requestCancelExternalWorkflowExecutionInitiatedEventAttributes
  if (cancelled) return decisions.cancelOther(cancelled.workflowExecution?.workflowId)
  const marker = event.markerRecordedEventAttributes
  return marker ? decisionOfMarker(marker) : plainDecision(event)
}

const LocalActivity = z.object({ activity_type: z.string() })
const Patch = z.object({ id: z.string() })

type Marker = NonNullable<HistoryEvent['markerRecordedEventAttributes']>

function decisionOfMarker({ markerName, details }: Marker): Decision | undefined {
  const read = (name: string): unknown => {
    const data = details?.[name]?.payloads?.[0]?.data
    return data ? JSON.parse(Buffer.from(data).toString()) : undefined
  }
  if (markerName === 'core_local_activity') {
    const known = LocalActivity.safeParse(read('data'))
    return known.success ? decisions.localActivity(known.data.activity_type) : undefined
  }
  if (markerName !== 'core_patch') return undefined
  const known = Patch.safeParse(read('patch-data'))
  return known.success ? decisions.patch(known.data.id) : undefined
}

function plainDecision(event: HistoryEvent): Decision | undefined {
  if (event.timerStartedEventAttributes) return decisions.timer()
  const attributes = event.upsertWorkflowSearchAttributesEventAttributes
  // Temporal adds this one by itself, after a patch.
  const byPatch = attributes?.searchAttributes?.indexedFields?.['TemporalChangeVersion']
  if (attributes) return byPatch ? undefined : decisions.searchAttributes()
  if (event.workflowPropertiesModifiedEventAttributes) return decisions.memo()
  if (event.workflowExecutionCompletedEventAttributes) return decisions.complete()
  if (event.workflowExecutionFailedEventAttributes) return decisions.fail()
  if (event.workflowExecutionCanceledEventAttributes) return decisions.cancel()
  return event.workflowExecutionContinuedAsNewEventAttributes
    ? decisions.continueAsNew()
    : undefined
}
