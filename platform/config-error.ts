/** A setting that cannot be used; the message names every problem at once. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}
