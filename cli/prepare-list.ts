import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import type { ManifestSpec } from '../lib/contract/batch-input.ts';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import type { ListFlags } from './list-flags.ts';
import { openManifest } from './open-manifest.ts';
import { spoolStream, spoolUrls } from './spool-list.ts';

/**
 * The list of the command line as a manifest that can be read again and again, also by a later process: files and s3://
 * stay where they are, everything else is written into the state of the run. None for a run that is continued.
 */
export interface ListSource {
  readonly stdin: Readable;
  readonly cwd: string;
  readonly state: ObjectStore;
  readonly run: string;
  readonly signal: AbortSignal;
  /** Files, too, are written into the state: who reads them is on another machine. */
  readonly upload?: boolean;
}

export async function prepareList(
  flags: Pick<ListFlags, 'list' | 'reading'>,
  source: ListSource,
): Promise<ManifestSpec | undefined> {
  const { list, reading } = flags;
  const { state, run, signal } = source;
  const spool = (stream: Readable) => spoolStream(state, run, addAbortSignal(signal, stream), reading);
  switch (list.kind) {
    case 'none':
      return undefined;
    case 'stdin':
      return spool(source.stdin);
    case 'urls':
      return spoolUrls(state, run, list.urls, reading.expand);
    case 'manifest': {
      if (list.path.startsWith('s3://')) return { ...reading, uri: list.path };
      const path = resolve(source.cwd, list.path);
      const found = await stat(path).catch(() => undefined);
      if (!found && HOST_AND_PATH.test(list.path)) throw missing(path);
      // Process substitution and named pipes, too, can be read only once.
      if (found?.isFIFO() || found?.isCharacterDevice()) return spool(createReadStream(path));
      if (!source.upload) return { ...reading, uri: path };
      const { name, bytes } = await openManifest(path, noBucket);
      return spoolStream(state, run, stoppable(bytes, signal), reading, name);
    }
  }
}

/** `example.com/a.zip`: there may be such a file, but rarely is. */
const HOST_AND_PATH = /^(www\.|([a-z\d-]+\.)+[a-z]{2,}(:\d+)?\/)/i;

function missing(path: string): SkyhaulError {
  return new SkyhaulError(
    'ManifestUnreadable',
    `${path}: there is no such file; a URL begins with https:// or http://`,
  );
}

async function* stoppable(bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array> {
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    yield chunk;
  }
}

function noBucket(): never {
  throw new Error('a path on disk leads to no bucket');
}
