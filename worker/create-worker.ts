import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Client } from '@temporalio/client'
import type { NativeConnection, WorkerOptions } from '@temporalio/worker'
import { Worker } from '@temporalio/worker'
import { createBackfillActivities } from '../activities/backfills.ts'
import { createCatchUpActivities } from '../activities/catch-up.ts'
import { createCloseEndedActivities } from '../activities/close-ended.ts'
import { createDatasetActivities } from '../activities/datasets.ts'
import { createPastActivities } from '../activities/past.ts'
import { createRunActivities } from '../activities/runs.ts'
import { createSlotActivities } from '../activities/slots.ts'
import type { Consumer } from '../dag/dataset-waits.ts'
import type { Database } from '../platform/database.ts'
import { createAuditInterceptor } from './audit-interceptor.ts'
import { createSlotInterceptor } from './slot-interceptor.ts'
import { prepareWorkflowBundle } from './workflow-bundle.ts'

export interface CreateWorkerOptions {
  readonly connection: NativeConnection
  readonly client: Client
  readonly namespace: string
  readonly taskQueue: string
  readonly database: Database
  /** Every DAG: what datasets may start. None by default. */
  readonly dags?: readonly Consumer[]
  /** Activities of the DAGs, by name; those that every run needs are added. */
  readonly activities: object
  readonly workflowsPath: string
  /** Where bundled workflow code is kept between starts. */
  readonly cacheDir: string
  /** Of workflow code, for those who look for a mistake in it. */
  readonly withStackTraces?: boolean
  readonly hasSearchAttributes: boolean
  /** Whether a clear takes the tasks of the code, for DAGs that do not say. */
  readonly rerunWithLatestVersion?: boolean
  /** How long running tasks may go on when the worker stops, before they are let go. */
  readonly shutdownGraceMs?: number
  /** Which deployment this worker is of; without one any worker takes up any run. */
  readonly deployment?: Deployment | undefined
}

/** A version of a Worker Deployment of Temporal. */
export interface Deployment {
  readonly deploymentName: string
  readonly buildId: string
}

const defaultShutdownGraceMs = 10_000
/** Cancelling a task is noticed with the next heartbeat that is really sent. */
const maxHeartbeatThrottleInterval = '2 seconds'

export const defaultWorkflowsPath = join(import.meta.dirname, '..', 'workflows', 'index.ts')

/** A worker that serves the DAGs' workflows and activities; start it with `run()`. */
export async function createWorker(options: CreateWorkerOptions): Promise<Worker> {
  const { connection, client, namespace, taskQueue, database, hasSearchAttributes } = options
  const { rerunWithLatestVersion = false } = options
  const identity = `${process.pid}@${hostname()}`
  const slots = createSlotActivities({ database, client })
  const codePath = await prepareWorkflowBundle(options)
  return Worker.create({
    ...{ connection, namespace, taskQueue, identity },
    workflowBundle: { codePath },
    activities: {
      ...options.activities,
      ...createRunActivities({ database, client, hasSearchAttributes, rerunWithLatestVersion }),
      ...createBackfillActivities({ database, client }),
      ...createCatchUpActivities({ database, client }),
      ...createCloseEndedActivities({ database, client }),
      ...createDatasetActivities({ database, client, taskQueue, dags: options.dags ?? [] }),
      ...createPastActivities({ database, client }),
      ...slots,
    },
    interceptors: {
      activity: [
        createSlotInterceptor(database, slots),
        createAuditInterceptor(database, identity),
      ],
    },
    shutdownGraceTime: options.shutdownGraceMs ?? defaultShutdownGraceMs,
    maxHeartbeatThrottleInterval,
    defaultHeartbeatThrottleInterval: maxHeartbeatThrottleInterval,
    ...(options.deployment && { workerDeploymentOptions: versioned(options.deployment) }),
  })
}

/** A run ends on the version that it began on; what lives longer says so itself. */
function versioned(version: Deployment): NonNullable<WorkerOptions['workerDeploymentOptions']> {
  return { version, useWorkerVersioning: true, defaultVersioningBehavior: 'PINNED' }
}
