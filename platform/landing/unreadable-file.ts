/** A file that cannot be taken as a whole; the message says where it breaks and what to do. */
export class UnreadableFileError extends Error {
  override name = 'UnreadableFile'
}

/** A file whose columns are not those of its contract; nothing of it is loaded. */
export class SchemaDriftError extends Error {
  override name = 'SchemaDrift'
}
