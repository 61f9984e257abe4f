import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { BundleOptions } from '@temporalio/worker'
import { bundleWorkflowCode, Runtime } from '@temporalio/worker'
import { z } from 'zod'

const withoutStackTraces = join(import.meta.dirname, 'without-stack-traces.ts')
const root = join(import.meta.dirname, '..')
/** Folders that workflow code may import from. */
const bundledFolders = ['dag', 'domain', 'workflows'].map((folder) => join(root, folder))

export interface WorkflowBundleOptions {
  /** The file that exports the workflows by name. */
  readonly workflowsPath: string
  /** Bundles are kept here by the hash of all that goes into them: bundling takes seconds. */
  readonly cacheDir: string
  /** Whether errors and promises of workflow code know where they came from, which costs much time. */
  readonly withStackTraces?: boolean
}

/** Path of a file with the bundled workflow code, made if none is kept. */
export async function prepareWorkflowBundle(options: WorkflowBundleOptions): Promise<string> {
  const { workflowsPath, cacheDir, withStackTraces = false } = options
  const preloadModules = withStackTraces ? [] : [withoutStackTraces]
  const hash = await hashSources([workflowsPath, target, ...preloadModules])
  const path = join(cacheDir, `workflows-${hash}.js`)
  if (await exists(path)) return path
  const { code } = await bundleWorkflowCode({
    ...{ workflowsPath, logger: Runtime.instance().logger },
    ...{ webpackConfigHook: withTarget, preloadModules },
  })
  await mkdir(cacheDir, { recursive: true })
  // One rename, so that another worker never reads half a bundle.
  const staged = `${path}.${process.pid}`
  await writeFile(staged, code)
  await rename(staged, path)
  return path
}

/**
 * What the code is translated to. Every workflow evaluates the bundle anew, and es2017, the choice of
 * the SDK, makes a function call of each spread: a third of the processor time of short runs.
 */
const target = 'es2022'

const SwcRule = z.looseObject({
  use: z.looseObject({ options: z.looseObject({ jsc: z.looseObject({ target: z.string() }) }) }),
})

type WebpackHook = NonNullable<BundleOptions['webpackConfigHook']>

const withTarget: WebpackHook = (config) => {
  for (const rule of config.module?.rules ?? []) {
    const swc = SwcRule.safeParse(rule).data?.use
    if (swc === undefined || typeof rule !== 'object' || rule === null) continue
    const { options } = swc
    rule.use = { ...swc, options: { ...options, jsc: { ...options.jsc, target } } }
  }
  return config
}

async function hashSources([workflowsPath, ...choices]: [string, ...string[]]): Promise<string> {
  const hash = createHash('sha256')
  const folders = new Set([...bundledFolders, dirname(workflowsPath)])
  const listed = await Promise.all([...folders].map(listSources))
  // The lock file stands for the packages in the bundle.
  const files = [...listed.flat().sort(), withoutStackTraces, join(root, 'package-lock.json')]
  for (const file of files) hash.update(file).update(await readFile(file))
  return hash
    .update([workflowsPath, ...choices].join())
    .digest('hex')
    .slice(0, 16)
}

async function listSources(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true })
  return entries.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name))
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  )
}
