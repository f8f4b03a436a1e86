/**
 * A directory as a store. A key is a path below it; what stands under its name is always whole, synced and checked.
 * Skyhaul's own things live in `.skyhaul` (mode 0700): `tmp` for what is not whole yet, `objects` for what files cannot
 * say about themselves. Nothing is read or written outside the directory, through links neither.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MAX_OBJECT_BYTES, MAX_PART_BYTES, MAX_PARTS } from '../contract/limits.ts';
import { checkCommit, checkReceived } from './check-commit.ts';
import { crc32 as crc32Of } from './crc32.ts';
import { keepFailure } from './keep-failure.ts';
import { compareKeys } from './key-order.ts';
import { checkLocalKey, showKey } from './key-rules.ts';
import { eachWithStoreErrors, unlessMissing, withStoreErrors } from './local-errors.ts';
import { listFiles, readHandle } from './local-read.ts';
import { LocalRoot, NOFOLLOW } from './local-root.ts';
import { localEtag, readSidecar, removeSidecar } from './local-sidecar.ts';
import { LocalUploads } from './local-uploads.ts';
import { publish, writeAt, writeStream, writeTemporary } from './local-write.ts';
import type {
  Commit,
  CopySource,
  ObjectOptions,
  ObjectStore,
  OpenUpload,
  PutOptions,
  StoredKey,
  StoredObject,
  StoredPart,
  StoreLimits,
  Upload,
} from './object-store.ts';
import { type PlacementEffects, placementEffects } from './place-file.ts';
import { readExactly } from './read-exactly.ts';

/** `root` need not exist; it is made with the first write. Clock and link(2) are arguments for the tests. */
export function openLocalStore(root: string, effects: PlacementEffects = placementEffects): ObjectStore {
  return new LocalStore(new LocalRoot(root, effects.now), effects);
}

class LocalStore implements ObjectStore {
  readonly uri: string;
  readonly requests = { put: 0, get: 0 };
  /** A small least part: a grid of cells costs nothing here, a thousand records of a few bytes do. */
  readonly limits: StoreLimits = {
    minPartBytes: 64 * 1024,
    maxPartBytes: MAX_PART_BYTES,
    maxParts: MAX_PARTS,
    maxObjectBytes: MAX_OBJECT_BYTES,
  };
  readonly #root: LocalRoot;
  readonly #effects: PlacementEffects;
  readonly #uploads: LocalUploads;
  readonly #reading = new Set<FileHandle>();

  constructor(root: LocalRoot, effects: PlacementEffects) {
    this.uri = root.path;
    this.#root = root;
    this.#effects = effects;
    this.#uploads = new LocalUploads(root, effects);
  }

  uriOf(key: string): string {
    return join(this.uri, key);
  }

  head(key: string): Promise<StoredObject | undefined> {
    return this.#get(key, async () => {
      const located = await this.#root.locate(key);
      return located?.stats === undefined ? undefined : this.#describe(key, located.stats);
    });
  }

  get(key: string): Promise<{ object: StoredObject; body: AsyncIterable<Uint8Array> } | undefined> {
    return this.#get(key, async () => {
      const handle = await this.#open(key);
      if (handle === undefined) return undefined;
      this.#reading.add(handle);
      const stats = await handle.stat({ bigint: true });
      return { object: await this.#describe(key, stats), body: this.#read(handle, Number(stats.size)) };
    });
  }

  async *list(prefix: string, after = ''): AsyncIterable<StoredKey> {
    this.requests.get += 1;
    const folders = await this.#root.find();
    if (folders === undefined) return;
    const files = eachWithStoreErrors(this.uriOf(prefix), listFiles(folders.root, prefix));
    for await (const file of files) if (compareKeys(file.key, after) > 0) yield file;
  }

  put(key: string, bytes: Uint8Array, options: PutOptions & { readonly crc32: number }): Promise<StoredObject> {
    return this.#write(key, options, async (handle) => {
      checkReceived(key, crc32Of(bytes), options.crc32);
      await writeAt(handle, bytes, 0);
      return options.crc32;
    });
  }

  async putStream(key: string, source: AsyncIterable<Uint8Array>, options: PutOptions): Promise<void> {
    const { body, run } = keepFailure(source);
    await run(() => this.#write(key, options, (handle) => writeStream(handle, body, 0)));
  }

  delete(key: string): Promise<void> {
    return withStoreErrors(key, async () => {
      const located = await this.#root.locate(key);
      const folders = await this.#root.find();
      if (folders === undefined || located?.stats === undefined) return;
      await rm(located.path, { force: true });
      await removeSidecar(folders, key, located.stats);
    });
  }

  createUpload(key: string, options: ObjectOptions): Promise<Upload> {
    return this.#put(key, () => this.#uploads.create(key, options));
  }

  uploadPart(
    upload: Upload,
    number: number,
    bytes: Uint8Array,
    crc32: number,
    signal?: AbortSignal,
  ): Promise<StoredPart> {
    return this.#put(upload.key, async () => this.#uploads.storePart(upload, number, bytes, crc32, signal));
  }

  streamPart(
    upload: Upload,
    number: number,
    bytes: number,
    source: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<StoredPart> {
    const { body, run } = keepFailure(readExactly(source, bytes, `${showKey(upload.key)}, part ${number}`, signal));
    return run(() => this.#put(upload.key, () => this.#uploads.streamPart(upload, number, bytes, body, signal)));
  }

  async copyPart(
    upload: Upload,
    number: number,
    { key, etag, from, bytes }: CopySource,
    signal?: AbortSignal,
  ): Promise<StoredPart | undefined> {
    const handle = await this.#get(key, () => this.#open(key));
    if (handle === undefined) return undefined;
    try {
      if (localEtag(await handle.stat({ bigint: true })) !== etag) return undefined;
      return await this.streamPart(upload, number, bytes, readHandle(handle, from, bytes), signal);
    } finally {
      await handle.close();
    }
  }

  listParts(upload: Upload): Promise<StoredPart[]> {
    return this.#get(upload.key, () => this.#uploads.listParts(upload));
  }

  completeUpload(upload: Upload, parts: readonly StoredPart[], commit: Commit): Promise<StoredObject> {
    return this.#put(upload.key, async () => {
      checkCommit(upload.key, parts, commit, this.limits);
      return this.#uploads.complete(upload, parts, commit);
    });
  }

  abortUpload(upload: Upload): Promise<void> {
    return withStoreErrors(upload.key, () => this.#uploads.abort(upload));
  }

  listUploads(prefix: string): AsyncIterable<OpenUpload> {
    this.requests.get += 1;
    return this.#uploads.list(prefix);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#reading].map((handle) => handle.close()));
  }

  /** A body that nobody reads keeps its handle until `close`. */
  async *#read(handle: FileHandle, bytes: number): AsyncGenerator<Uint8Array> {
    try {
      yield* readHandle(handle, 0, bytes);
    } finally {
      this.#reading.delete(handle);
    }
  }

  #write(key: string, options: PutOptions, fill: (handle: FileHandle) => Promise<number>): Promise<StoredObject> {
    return this.#put(key, async () => {
      checkLocalKey(key);
      let crc32 = 0;
      const whole = await writeTemporary(this.#root, this.#effects, options.sealed ?? false, async (handle) => {
        crc32 = await fill(handle);
      });
      try {
        return await publish(this.#root, this.#effects, whole, { key, crc32, condition: options.condition, options });
      } catch (error) {
        await rm(whole.path, { force: true });
        throw error;
      }
    });
  }

  async #open(key: string): Promise<FileHandle | undefined> {
    const located = await this.#root.locate(key);
    if (located?.stats === undefined) return undefined;
    return unlessMissing(open(located.path, constants.O_RDONLY | NOFOLLOW));
  }

  async #describe(key: string, stats: Parameters<typeof localEtag>[0]): Promise<StoredObject> {
    const folders = await this.#root.find();
    const known = folders === undefined ? undefined : await readSidecar(folders, key, stats);
    const { crc32, contentType, contentEncoding, metadata = {} } = known ?? {};
    return {
      key,
      bytes: Number(stats.size),
      etag: localEtag(stats),
      crc32,
      contentType,
      ...(contentEncoding !== undefined && { contentEncoding }),
      metadata,
    };
  }

  #get<T>(key: string, effect: () => Promise<T>): Promise<T> {
    this.requests.get += 1;
    return withStoreErrors(key, effect);
  }

  #put<T>(key: string, effect: () => Promise<T>): Promise<T> {
    this.requests.put += 1;
    return withStoreErrors(key, effect);
  }
}
