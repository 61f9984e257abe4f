import { createRequire } from 'node:module'
import type { WorkflowHandle } from '@temporalio/client'
import { z } from 'zod'

export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>

export interface NamedHistory {
  readonly workflowId: string
  readonly history: History
}

type Convert = (type: unknown, value: unknown, options?: object) => unknown

const isFunction = (value: unknown) => typeof value === 'function'
const ProtoJson = z.object({
  toJson: z.custom<Convert>(isFunction),
  fromJson: z.custom<Convert>(isFunction),
})
const PatchProtobufRoot = z.object({
  patchProtobufRoot:
    z.custom<
      (root: unknown) => { lookupType(name: string): { fromObject(value: unknown): unknown } }
    >(isFunction),
})
const History = z.custom<History>((value) => typeof value === 'object' && value !== null)

/**
 * The SDK's `historyToJSON` and `historyFromJSON` refuse Temporal's own types where npm has installed
 * protobufjs more than once. Here the copy that made those types converts them.
 */
function loadConverter() {
  const fromCommon = createRequire(createRequire(import.meta.url).resolve('@temporalio/common'))
  const fromProto = createRequire(fromCommon.resolve('@temporalio/proto'))
  const { patchProtobufRoot } = PatchProtobufRoot.parse(
    fromCommon('@temporalio/proto/lib/patch-protobuf-root'),
  )
  const { toJson, fromJson } = ProtoJson.parse(fromProto('protobufjs/ext/protojson'))
  const type = patchProtobufRoot(fromCommon('@temporalio/proto')).lookupType(
    'temporal.api.history.v1.History',
  )
  return {
    toJson: (history: unknown) => toJson(type, type.fromObject(history)),
    fromJson: (json: unknown) => fromJson(type, json, { ignoreUnknownFields: true }),
    fromObject: (value: unknown) => type.fromObject(value),
  }
}

let loaded: ReturnType<typeof loadConverter> | undefined

function converter() {
  loaded ??= loadConverter()
  return loaded
}

/** A history as Temporal's own tools write it: `temporal workflow show --output json`. */
export function historyToJson(history: History): string {
  return `${JSON.stringify(converter().toJson(history), null, 2)}\n`
}

const TemporalJson = z.looseObject({ events: z.array(z.looseObject({})).min(1) })
/** As tests/histories keeps them: bytes as `{"base64": …}`, beside the workflow id. */
const KeptJson = z.object({ workflowId: z.string(), history: TemporalJson })

/**
 * Reads a history written by `historyToJson`, by Temporal's tools or by the replay tests.
 * @throws Error saying what the text is not
 */
export function parseHistory(text: string, nameIfUnnamed: string): NamedHistory {
  const json: unknown = JSON.parse(text, reviveBytes)
  const kept = KeptJson.safeParse(json)
  if (kept.success) {
    const { workflowId, history } = kept.data
    return { workflowId, history: History.parse(converter().fromObject(history)) }
  }
  if (!TemporalJson.safeParse(json).success) {
    throw new Error('it is no history: it has no list of events')
  }
  const history = History.parse(converter().fromJson(json))
  const started = history.events?.[0]?.workflowExecutionStartedEventAttributes
  if (!started) throw new Error('it does not begin with the start of a workflow')
  return { workflowId: started.workflowId || nameIfUnnamed, history }
}

function reviveBytes(_: string, value: unknown): unknown {
  const isBytes = typeof value === 'object' && value !== null && 'base64' in value
  return isBytes ? Buffer.from(String(value.base64), 'base64') : value
}
