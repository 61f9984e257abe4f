import { execFile } from 'node:child_process'
import { access, constants, copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { platform } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { Say } from './cannot-start.ts'
import { CannotStart } from './cannot-start.ts'
import { userCacheDir } from './user-cache.ts'

const run = promisify(execFile)
const binaryName = platform() === 'win32' ? 'temporal.exe' : 'temporal'
// Later tags carry a replace directive, which `go install` refuses.
const goModule = 'github.com/temporalio/cli/cmd/temporal@v1.5.1'
const downloadSite = 'https://temporal.download/'

const versionTimeoutMs = 20_000
const probeTimeoutMs = 8_000
const downloadTimeoutMs = 180_000
const goBuildTimeoutMs = 20 * 60_000

export interface FindTemporalOptions {
  homeDir: string
  log: Say
}

/**
 * Path of a Temporal CLI that runs: from the PATH, kept from an earlier start, downloaded by the
 * SDK, or built with Go; the last two are kept in the user's cache.
 * @throws CannotStart saying what to install
 */
export async function findTemporalBinary({ homeDir, log }: FindTemporalOptions): Promise<string> {
  const present = await findPresentBinary(homeDir)
  if (present !== undefined) return present
  const problems: string[] = []
  for (const obtain of [downloadWithSdk, buildWithGo]) {
    try {
      return await obtain(log)
    } catch (error) {
      problems.push(firstLine(error))
      log(`${firstLine(error)}`)
    }
  }
  throw new CannotStart(
    `No Temporal CLI was found, and it could not be fetched (${problems.join('; ')})`,
    'install it (https://docs.temporal.io/cli, or `brew install temporal`) so that `temporal` is on ' +
      'the PATH, or install Go 1.23 or newer, or set TEMPORAL_ADDRESS to a running server',
  )
}

/** A Temporal CLI that is already on this machine, or undefined. Downloads nothing. */
export async function findPresentBinary(homeDir: string): Promise<string | undefined> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  const kept = [join(homeDir, 'bin'), join(userCacheDir(), 'bin')]
  for (const folder of [...folders, ...kept]) {
    const path = join(folder, binaryName)
    if (await isWorkingTemporal(path)) return path
  }
  return undefined
}

async function isWorkingTemporal(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    const { stdout } = await run(path, ['--version'], { timeout: versionTimeoutMs })
    return stdout.startsWith('temporal version')
  } catch {
    return false
  }
}

async function downloadWithSdk(log: Say): Promise<string> {
  log('Temporal CLI not found: downloading it')
  await assertReachable(downloadSite)
  const binDir = await makeBinDir()
  const downloadDir = await mkdtemp(join(binDir, 'download-'))
  try {
    const script = join(import.meta.dirname, 'download-temporal.ts')
    await run(process.execPath, [script, downloadDir], { timeout: downloadTimeoutMs })
    const [found] = (await readdir(downloadDir)).filter((name) => name.startsWith('temporal'))
    if (found === undefined) throw new Error('the SDK left no file')
    return await keepBinary(join(downloadDir, found), binDir)
  } catch (error) {
    throw new Error(`download of the Temporal CLI failed: ${firstLine(error)}`, { cause: error })
  } finally {
    await rm(downloadDir, { recursive: true, force: true })
  }
}

/** The SDK's download waits for minutes without a network. A proxy is known to the SDK, not to fetch. */
async function assertReachable(url: string): Promise<void> {
  if (process.env['HTTPS_PROXY'] !== undefined || process.env['https_proxy'] !== undefined) return
  try {
    await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(probeTimeoutMs) })
  } catch (error) {
    throw new Error(`${url} cannot be reached from here`, { cause: error })
  }
}

async function buildWithGo(log: Say): Promise<string> {
  try {
    await run('go', ['version'], { timeout: versionTimeoutMs })
  } catch (error) {
    throw new Error('Go is not installed, so it cannot be built either', { cause: error })
  }
  log('Building the Temporal CLI from its source with Go: about 3 minutes, once on this machine')
  const binDir = await makeBinDir()
  const buildDir = await mkdtemp(join(binDir, 'build-'))
  const ticker = setInterval(() => log('Still building the Temporal CLI …'), 30_000)
  try {
    const env = { ...process.env, GOBIN: buildDir, GOFLAGS: '' }
    await run('go', ['install', goModule], { env, timeout: goBuildTimeoutMs })
    return await keepBinary(join(buildDir, binaryName), binDir)
  } catch (error) {
    throw new Error(`go install ${goModule} failed: ${firstLine(error)}`, { cause: error })
  } finally {
    clearInterval(ticker)
    await rm(buildDir, { recursive: true, force: true })
  }
}

async function makeBinDir(): Promise<string> {
  const binDir = join(userCacheDir(), 'bin')
  await mkdir(binDir, { recursive: true })
  return binDir
}

/** Moves it in by one rename, so that another start never sees half a file. */
async function keepBinary(from: string, binDir: string): Promise<string> {
  const kept = join(binDir, binaryName)
  const staged = `${kept}.${process.pid}`
  await copyFile(from, staged)
  await rename(staged, kept)
  if (!(await isWorkingTemporal(kept))) throw new Error(`${kept} does not run`)
  return kept
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('\n')[0] ?? message
}
