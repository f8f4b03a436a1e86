import { MAX_KEY_BYTES, MiB } from '../contract/limits.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { checkKey } from '../manifest/object-key.ts';
import { crc32Hex } from '../store/crc32.ts';
import type { ObjectStore, StoredObject } from '../store/object-store.ts';
import { BufferPool } from '../transfer/buffer-pool.ts';
import { OutputObject } from '../transfer/output-object.ts';
import { META } from '../transfer/overwrite-policy.ts';
import { openDestination } from './destination.ts';
import { type Effects, markOf, systemEffects } from './effects.ts';
import type { Items } from './item-feed.ts';
import type { UploadOptions } from './options.ts';
import { readSettings, type Settings } from './settings.ts';
import { Stop } from './stop.ts';

const MEMORY_BYTES = 32 * MiB;

export interface UploadResult {
  /** `skipped`: something stands there already, and `overwrite` says to leave it. */
  readonly outcome: 'stored' | 'skipped';
  readonly reason?: 'exists' | 'unchanged';
  readonly key: string;
  /** Address of the object. */
  readonly uri: string;
  /** Of the object that stands there now. */
  readonly bytes: number;
  /** Of the object, 8 hexadecimal digits, where it is known. */
  readonly crc32: string | undefined;
  readonly objectEtag: string;
}

/** Bytes, or texts that are written as UTF-8. */
export type UploadSource = Items<Uint8Array | string>;

/**
 * Writes whatever a generator or a stream makes into one object, of any length, in bounded memory. It becomes visible at
 * its end, as a whole, with its size and CRC32 checked by the store and on the condition that nobody else wrote there
 * meanwhile. A source that throws leaves nothing behind; its own error comes out.
 *
 * @throws SkyhaulError `BatchInvalid`, `KeyRefused`, `CommitConflict`, `Interrupted`, and what the store fails with
 */
export async function upload(
  source: UploadSource,
  options: UploadOptions,
  effects: Effects = systemEffects,
): Promise<UploadResult> {
  const settings = readSettings('upload', options);
  const { own } = settings;
  const { store, prefix } = openDestination(own.to, own.s3);
  const stop = new Stop(own.signal);
  try {
    const verdict = checkKey(own.key, MAX_KEY_BYTES - Buffer.byteLength(prefix));
    if (!verdict.ok) throw new SkyhaulError('KeyRefused', `the key: ${verdict.problem}`);
    const existing = await store.head(own.key);
    if (stop.reason) throw stop.reason;
    if (existing && settings.options.overwrite === 'never') return skipped(store, existing, 'exists');
    return await write(source, existing, { store, settings, stop, mark: markOf(effects) });
  } finally {
    stop.release();
    await store.close();
  }
}

async function write(
  source: UploadSource,
  existing: StoredObject | undefined,
  { store, settings, stop, mark }: { store: ObjectStore; settings: Settings<'upload'>; stop: Stop; mark: string },
): Promise<UploadResult> {
  const { own, options } = settings;
  const { key, contentType, metadata } = own;
  const object = {
    ...(contentType !== undefined && { contentType }),
    metadata: { ...metadata, [META.run]: mark },
  };
  const pool = new BufferPool(own.memoryBytes ?? MEMORY_BYTES);
  const output = new OutputObject({ store, key, object, pool, signal: stop.signal, halt: stop.signal });
  try {
    for await (const chunk of untilStopped(source, stop)) await output.write(bytesOf(chunk));
    const { bytes, crc32 } = await output.end();
    if (stop.reason) throw stop.reason;
    if (existing && options.overwrite === 'if-changed' && existing.crc32 === crc32 && existing.bytes === bytes) {
      await output.abort();
      return skipped(store, existing, 'unchanged');
    }
    const condition = existing ? ({ kind: 'matches', etag: existing.etag } as const) : ({ kind: 'absent' } as const);
    const stored = await output.commit(condition);
    return { outcome: 'stored', ...shown(store, stored), bytes, crc32: crc32Hex(crc32) };
  } catch (error) {
    await output.abort().catch(() => undefined);
    throw stop.reason ?? error;
  }
}

/** Does not wait for code of the caller's that waits for something else. */
async function* untilStopped<T>(source: Items<T>, stop: Stop): AsyncGenerator<T> {
  const items = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let asked: PromiseWithResolvers<IteratorResult<T>> | undefined;
  stop.signal.addEventListener('abort', () => asked?.reject(stop.reason), { once: true });
  let isOver = false;
  try {
    for (;;) {
      if (stop.reason) throw stop.reason;
      // Not a race: each would leave something behind at the signal, of a million chunks a million.
      asked = Promise.withResolvers();
      Promise.resolve(items.next()).then(asked.resolve, asked.reject);
      const next = await asked.promise;
      isOver = next.done === true;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    if (!isOver) Promise.resolve(items.return?.()).catch(() => undefined);
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === 'string') return Buffer.from(chunk);
  throw new SkyhaulError('BatchInvalid', `what is uploaded is bytes or texts, found ${typeof chunk}`);
}

function skipped(store: ObjectStore, existing: StoredObject, reason: 'exists' | 'unchanged'): UploadResult {
  return { outcome: 'skipped', reason, ...shown(store, existing) };
}

function shown(store: ObjectStore, { key, bytes, crc32, etag }: StoredObject) {
  return {
    key,
    uri: store.uriOf(key),
    bytes,
    crc32: crc32 === undefined ? undefined : crc32Hex(crc32),
    objectEtag: etag,
  };
}
