import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { Environment } from '../../platform/config.ts'

const root = join(import.meta.dirname, '../..')
const composeText = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
const envExample = readFileSync(join(root, '.env.example'), 'utf8')

const Service = z.looseObject({
  image: z.string().optional(),
  build: z.string().optional(),
  environment: z.record(z.string(), z.string().nullable()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.looseObject({ test: z.array(z.string()).nonempty() }).optional(),
  'x-no-healthcheck': z.string().optional(),
})
const Compose = z.looseObject({
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.null()),
})

const compose = Compose.parse(parse(composeText, { merge: true }))
const services = Object.entries(compose.services)
const worker = Service.parse(compose.services['worker'])

/** Settings that only a Temporal server other than the one in the file needs. */
const notForThisServer = ['TEMPORAL_API_KEY', 'TEMPORAL_TLS']

function variablesOf(text: string): string[] {
  return [...text.matchAll(/\$\{([A-Z_]+)/g)].map((match) => match[1] ?? '')
}

/** The file's values as Compose would fill them in from an .env that sets only the password. */
function fillIn(value: string): string {
  return value.replaceAll(/\$\{([A-Z_]+)(?::-([^}]*)|:\?[^}]*)?\}/g, (_, name: string, fallback) =>
    name === 'POSTGRES_PASSWORD' ? 'letters0and1digits' : String(fallback ?? ''),
  )
}

describe('docker-compose.yml', () => {
  test('has the servers that the product names', () => {
    const images = services.map(([, service]) => service.image?.replace(/:.*/, '') ?? 'build')
    expect(new Set(images)).toEqual(
      new Set([
        'postgres',
        'temporalio/admin-tools',
        'temporalio/server',
        'temporalio/ui',
        'axllent/mailpit',
        'build',
      ]),
    )
    expect(compose.services['postgres']?.image).toBe('postgres:18')
  })

  test('gives the worker every setting that the code knows, and no other', () => {
    const known = Object.keys(Environment.shape).filter((name) => !notForThisServer.includes(name))
    expect(Object.keys(worker.environment).sort()).toEqual(known.sort())
  })

  test('gives the worker values that the code accepts', () => {
    const values = Object.entries(worker.environment)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, fillIn(value ?? '')])
    const settings = Environment.parse(Object.fromEntries(values))
    expect(settings.DATABASE_URL).toBe(
      'postgres://daybook:letters0and1digits@postgres:5432/daybook',
    )
  })

  test('sends the worker to services and ports that are in the file', () => {
    const hosts = ['DATABASE_URL', 'TEMPORAL_ADDRESS', 'SMTP_URL'].map((name) => {
      const address = fillIn(worker.environment[name] ?? '')
      return address.replace(/^.*[@/]/, '').replace(/\/.*$/, '')
    })
    const fromUrl = new URL(fillIn(worker.environment['DATABASE_URL'] ?? '')).host
    expect([fromUrl, ...hosts.slice(1)]).toEqual(['postgres:5432', 'temporal:7233', 'mailpit:1025'])
    for (const name of Object.keys(worker.depends_on)) expect(compose.services).toHaveProperty(name)
  })

  test('shows the Web UI where the links in mails point', () => {
    const published = compose.services['temporal-ui']?.ports[0] ?? ''
    const port = fillIn(published).split(':')[1]
    expect(fillIn(worker.environment['TEMPORAL_UI_URL'] ?? '')).toBe(`http://localhost:${port}`)
  })

  test('probes the health of every service, or says why it does not', () => {
    for (const [name, service] of services) {
      const reasoned = service.healthcheck ?? service['x-no-healthcheck']
      expect(reasoned, `${name} has neither healthcheck nor x-no-healthcheck`).toBeDefined()
    }
  })

  test('waits for a condition that the service it waits for can reach', () => {
    for (const [name, service] of services) {
      for (const [other, { condition }] of Object.entries(service.depends_on)) {
        const runsOnce = compose.services[other]?.['x-no-healthcheck'] !== undefined
        const reachable = runsOnce ? 'service_completed_successfully' : 'service_healthy'
        expect(condition, `${name} waits for ${other}`).toBe(reachable)
      }
    }
  })

  test('names no password: each comes from .env', () => {
    for (const [name, service] of services) {
      for (const [variable, value] of Object.entries(service.environment)) {
        if (!/PASSWORD|PWD|SECRET|API_KEY/.test(variable)) continue
        expect(value, `${name} ${variable}`).toBe('${POSTGRES_PASSWORD:?set it in .env}')
      }
    }
    expect(composeText).not.toMatch(/:\/\/[^:\s]+:[^$\s][^@\s]*@/)
  })

  test('publishes its ports to this machine only', () => {
    const ports = services.flatMap(([, service]) => service.ports)
    expect(ports.length).toBeGreaterThan(0)
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
  })

  test('keeps all state in volumes that it declares', () => {
    const named = services
      .flatMap(([, service]) => service.volumes)
      .map((volume) => volume.split(':')[0] ?? '')
      .filter((source) => /^[a-z]/.test(source))
    expect(named.sort()).toEqual(Object.keys(compose.volumes).sort())
  })

  test('pins every image to a version', () => {
    for (const [name, service] of services) {
      if (service.build === undefined) expect(service.image, name).toMatch(/:v?\d/)
    }
  })
})

describe('.env.example', () => {
  const explained = [...envExample.matchAll(/^(?:# )?([A-Z_]+)=/gm)].map((match) => match[1] ?? '')

  test('explains every variable of docker-compose.yml, and no other', () => {
    const passedOn = Object.entries(worker.environment)
      .filter(([, value]) => value === null)
      .map(([name]) => name)
    const used = new Set([...variablesOf(composeText), ...passedOn])
    expect([...new Set(explained)].sort()).toEqual([...used].sort())
  })

  test('shows the defaults that docker-compose.yml has', () => {
    for (const name of ['POSTGRES_PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT', 'MAILPIT_PORT']) {
      const port = new RegExp(`\\$\\{${name}:-(\\d+)\\}`).exec(composeText)?.[1]
      expect(envExample).toContain(`# ${name}=${port}\n`)
    }
  })

  test('sets nothing but the names of what must be set', () => {
    const lines = envExample.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(lines).toEqual(['POSTGRES_PASSWORD='])
  })
})

describe('Dockerfile', () => {
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8')

  test('runs the worker on Node 24 without root rights', () => {
    expect(dockerfile).toMatch(/^FROM node:24-slim$/m)
    expect(dockerfile).toMatch(/^CMD \["node", "worker\/main\.ts"\]$/m)
    expect(dockerfile.lastIndexOf('USER node')).toBeGreaterThan(dockerfile.lastIndexOf('RUN '))
  })
})

describe.skipIf(!existsSync(join(root, 'README.md')))('README.md', () => {
  const readme = existsSync(join(root, 'README.md'))
    ? readFileSync(join(root, 'README.md'), 'utf8')
    : ''

  test('has a table of settings with each setting that the code knows, and no other', () => {
    const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1] ?? '')
    expect(rows.sort()).toEqual(Object.keys(Environment.shape).sort())
  })

  test('names the addresses that docker-compose.yml publishes for people', () => {
    for (const name of ['temporal-ui', 'mailpit']) {
      const port = fillIn(compose.services[name]?.ports[0] ?? '').split(':')[1]
      expect(readme, name).toContain(`localhost:${port}`)
    }
  })
})
