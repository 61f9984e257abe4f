import { resolve } from 'node:path'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'

const optionalText = z
  .string()
  .trim()
  .transform((text) => (text === '' ? undefined : text))
  .optional()

function urlWithProtocol(...protocols: string[]) {
  return optionalText.refine(
    (text) => text === undefined || protocols.some((protocol) => hasProtocol(text, protocol)),
    `must be a URL starting with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  )
}

function hasProtocol(text: string, protocol: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === protocol
}

const timeZone = z.string().refine(isTimeZone, 'must be an IANA time zone such as Europe/Paris')

function isTimeZone(name: string): boolean {
  // PostgreSQL reads the sign of an offset the other way round.
  if (/^[+-]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

const hostAndPort = optionalText.refine(
  (text) => text === undefined || /^[^\s/]+:\d+$/.test(text),
  'must be host:port such as 127.0.0.1:7233',
)

const mailList = z
  .string()
  .transform((text) => text.split(',').map((address) => address.trim()))
  .pipe(z.array(z.email('must be a comma-separated list of mail addresses')))

/** Every setting Daybook knows, by the name of its environment variable. */
export const Environment = z.object({
  DATABASE_URL: urlWithProtocol('postgres:', 'postgresql:'),
  TEMPORAL_ADDRESS: hostAndPort,
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  TEMPORAL_TASK_QUEUE: z.string().min(1).default('daybook'),
  TEMPORAL_API_KEY: optionalText,
  TEMPORAL_TLS: z.stringbool().default(false),
  TEMPORAL_UI_URL: urlWithProtocol('http:', 'https:'),
  TEMPORAL_DEPLOYMENT_NAME: optionalText,
  TEMPORAL_WORKER_BUILD_ID: optionalText,
  SMTP_URL: urlWithProtocol('smtp:', 'smtps:'),
  MAIL_FROM: z.string().min(3).default('Daybook <daybook@localhost.localdomain>'),
  MAIL_TO: mailList.default(['books@localhost.localdomain']),
  DAYBOOK_HOME: z.string().min(1).default('.daybook'),
  LANDING_DIR: z.string().min(1).default('data/incoming'),
  ONLINE_RETAIL_DIR: z.string().min(1).default('data/online-retail'),
  PRODUCTS_API_URL: urlWithProtocol('http:', 'https:'),
  UNPACKED_MAX_GIB: z.coerce.number().positive().default(64),
  UNPACKED_MAX_RATIO: z.coerce.number().min(1).default(200),
  SHOP_TIME_ZONE: timeZone.default('UTC'),
  RERUN_WITH_LATEST_VERSION: z.stringbool().default(false),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
})

export type Config = ReturnType<typeof loadConfig>

/**
 * Reads the settings from the environment. Folders become absolute paths; a missing `databaseUrl`
 * or `temporal.address` means that the embedded server is used.
 * @throws ConfigError naming every bad setting
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env) {
  const settings = parseEnvironment(env)
  return {
    databaseUrl: settings.DATABASE_URL,
    temporal: {
      address: settings.TEMPORAL_ADDRESS,
      namespace: settings.TEMPORAL_NAMESPACE,
      taskQueue: settings.TEMPORAL_TASK_QUEUE,
      apiKey: settings.TEMPORAL_API_KEY,
      tls: settings.TEMPORAL_TLS,
      uiUrl: settings.TEMPORAL_UI_URL,
      deployment: deploymentOf(settings),
    },
    smtpUrl: settings.SMTP_URL,
    mailFrom: settings.MAIL_FROM,
    mailTo: settings.MAIL_TO,
    homeDir: resolve(settings.DAYBOOK_HOME),
    landingDir: resolve(settings.LANDING_DIR),
    onlineRetailDir: resolve(settings.ONLINE_RETAIL_DIR),
    productsApiUrl: settings.PRODUCTS_API_URL,
    unpackLimits: {
      mostBytes: settings.UNPACKED_MAX_GIB * 1024 ** 3,
      mostTimes: settings.UNPACKED_MAX_RATIO,
    },
    shopTimeZone: settings.SHOP_TIME_ZONE,
    rerunWithLatestVersion: settings.RERUN_WITH_LATEST_VERSION,
    logLevel: settings.LOG_LEVEL,
  }
}

/** Both or neither: half of it serves runs that nobody expects there. */
function deploymentOf({
  TEMPORAL_DEPLOYMENT_NAME: deploymentName,
  TEMPORAL_WORKER_BUILD_ID: buildId,
}: z.infer<typeof Environment>) {
  if (deploymentName !== undefined && buildId !== undefined) return { deploymentName, buildId }
  if (deploymentName === undefined && buildId === undefined) return undefined
  const missing = buildId === undefined ? 'TEMPORAL_WORKER_BUILD_ID' : 'TEMPORAL_DEPLOYMENT_NAME'
  throw new ConfigError(
    `These settings cannot be used:\n  ${missing}: is missing; a worker's deployment needs both its ` +
      'name and its build id',
  )
}

function parseEnvironment(env: NodeJS.ProcessEnv) {
  const result = Environment.safeParse(env)
  if (result.success) return result.data
  const problems = result.error.issues.map(
    (issue) => `  ${issue.path.slice(0, 1).join('')}: ${issue.message}`,
  )
  throw new ConfigError(`These settings cannot be used:\n${problems.join('\n')}`)
}
