/**
 * Skyhaul as a library: the engine of `skyhaul run` without a state machine, a ledger or AWS around it. Everything that may
 * be relied on is exported here; see docs/library.md.
 */
export type { Outcome, Verification } from './contract/outcome.ts';
export type { ErrorName } from './errors/catalogue.ts';
export { SkyhaulError } from './errors/skyhaul-error.ts';
export { type Downloads, download, downloadAll } from './library/download.ts';
export type { DownloadSummary } from './library/downloads.ts';
export { jsonLines, lines } from './library/lines.ts';
export type {
  ChunkListener,
  ChunkPlace,
  DownloadAllOptions,
  DownloadOptions,
  ItemFields,
  ItemInput,
  LinesOptions,
  SourceOptions,
  StoreOptions,
  StreamBody,
  StreamOptions,
  TransformStep,
  UploadOptions,
} from './library/options.ts';
export type { Progress, ProgressListener } from './library/progress.ts';
export type { SourceStream } from './library/source-stream.ts';
export { stream } from './library/stream.ts';
export { type UploadResult, type UploadSource, upload } from './library/upload.ts';
export type {
  Consume,
  Transform,
  TransformContext,
  TransformGenerator,
  TransformPair,
} from './transform/user-module.ts';
