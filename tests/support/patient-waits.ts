import { vi, type VitestUtils } from 'vitest'

/** In ms: vitest's own second is a measure of the machine, not of what is waited for. */
const patience = 20_000

type Options = Parameters<VitestUtils['waitUntil']>[1]
const patiently = (options: Options = {}) =>
  typeof options === 'number' ? options : { timeout: patience, ...options }

const { waitUntil, waitFor } = vi
vi.waitUntil = (condition, options) => waitUntil(condition, patiently(options))
vi.waitFor = (callback, options) => waitFor(callback, patiently(options))
