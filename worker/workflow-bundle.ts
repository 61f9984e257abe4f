import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { bundleWorkflowCode, Runtime } from '@temporalio/worker'

const root = join(import.meta.dirname, '..')
/** Folders that workflow code may import from. */
const bundledFolders = ['dag', 'domain', 'workflows'].map((folder) => join(root, folder))

export interface WorkflowBundleOptions {
  /** The file that exports the workflows by name. */
  readonly workflowsPath: string
  /** Bundles are kept here by the hash of all that goes into them: bundling takes seconds. */
  readonly cacheDir: string
}

/** Path of a file with the bundled workflow code, made if none is kept. */
export async function prepareWorkflowBundle(options: WorkflowBundleOptions): Promise<string> {
  const { workflowsPath, cacheDir } = options
  const path = join(cacheDir, `workflows-${await hashSources(workflowsPath)}.js`)
  if (await exists(path)) return path
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: Runtime.instance().logger })
  await mkdir(cacheDir, { recursive: true })
  // One rename, so that another worker never reads half a bundle.
  const staged = `${path}.${process.pid}`
  await writeFile(staged, code)
  await rename(staged, path)
  return path
}

async function hashSources(workflowsPath: string): Promise<string> {
  const hash = createHash('sha256')
  const folders = new Set([...bundledFolders, dirname(workflowsPath)])
  const listed = await Promise.all([...folders].map(listSources))
  // The lock file stands for the packages in the bundle.
  const files = [...listed.flat().sort(), join(root, 'package-lock.json')]
  for (const file of files) hash.update(file).update(await readFile(file))
  return hash.update(workflowsPath).digest('hex').slice(0, 16)
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
