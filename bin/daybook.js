#!/usr/bin/env node
// Plain JavaScript for whatever Node starts it: runs cli/main.ts, on the npm package `node` when
// this one cannot run TypeScript. What was compiled is kept for the next start.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import nodeModule, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const neededVersion = 24
const launcher = fileURLToPath(import.meta.url)

if (Number(process.versions.node.split('.')[0]) >= neededVersion) {
  nodeModule.enableCompileCache()
  await import('../cli/main.ts')
} else runOnNode(findNode())

function findNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  try {
    const path = join(
      dirname(createRequire(import.meta.url).resolve('node/package.json')),
      'bin',
      name,
    )
    if (existsSync(path)) return path
  } catch {
    // Said below.
  }
  console.error(`Daybook needs Node ${neededVersion}; this is ${process.version}.`)
  console.error(
    '  Remedy: run `npm ci` here (it brings its own Node), or install Node 24 or newer.',
  )
  process.exit(3)
}

function runOnNode(path) {
  // Over the fourth channel the child notices when this process is killed.
  const child = spawn(path, [launcher, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`${path} does not run: ${error.message}\n  Remedy: run \`npm rebuild node\`.`)
    process.exit(3)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
