import { expect, test } from 'vitest'
import { loadConfig } from '../../platform/config.ts'
import { ConfigError } from '../../platform/config-error.ts'

test('a worker has a deployment and a build id, or neither', () => {
  expect(loadConfig({}).temporal.deployment).toBeUndefined()
  expect(
    loadConfig({ TEMPORAL_DEPLOYMENT_NAME: 'daybook', TEMPORAL_WORKER_BUILD_ID: '7' }).temporal,
  ).toMatchObject({ deployment: { deploymentName: 'daybook', buildId: '7' } })
  const half = () => loadConfig({ TEMPORAL_DEPLOYMENT_NAME: 'daybook' })
  expect(half).toThrow(ConfigError)
  expect(half).toThrow('TEMPORAL_WORKER_BUILD_ID: is missing')
})
