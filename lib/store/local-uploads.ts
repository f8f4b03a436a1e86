/**
 * Multipart uploads of a local store: a folder in `tmp` for each, with its key, its options and its parts. It lives until
 * it is committed or aborted, across processes.
 */
import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { checkReceived } from './check-commit.ts';
import { crc32 as crc32Of } from './crc32.ts';
import { showKey } from './key-rules.ts';
import { codeOf, unlessMissing } from './local-errors.ts';
import { readPieces } from './local-read.ts';
import type { LocalRoot } from './local-root.ts';
import { parseJson } from './local-sidecar.ts';
import { finish, publish, writeAt, writeStream, writeTemporary } from './local-write.ts';
import type { Commit, ObjectOptions, OpenUpload, StoredObject, StoredPart, Upload } from './object-store.ts';
import {
  DATA_FILE,
  type FillPart,
  isInPlace,
  listRecords,
  type PartRecord,
  readRecord,
  storePart,
} from './part-records.ts';
import { NO_HARD_LINKS, type PlacementEffects } from './place-file.ts';

/** After so many, an abort is heard. */
const WRITE_BYTES = 4 * 1024 * 1024;
const UPLOAD_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const begun = z.object({
  key: z.string(),
  options: z.object({
    contentType: z.string().optional(),
    contentEncoding: z.string().optional(),
    metadata: z.record(z.string(), z.string()).optional(),
  }),
});

export class LocalUploads {
  readonly #root: LocalRoot;
  readonly #effects: PlacementEffects;

  constructor(root: LocalRoot, effects: PlacementEffects) {
    this.#root = root;
    this.#effects = effects;
  }

  async create(key: string, options: ObjectOptions): Promise<Upload> {
    // Early, so that nobody fetches a body that has nowhere to stand.
    await this.#root.locate(key);
    const { tmp } = await this.#root.prepare();
    const id = randomUUID();
    const { contentType, contentEncoding, metadata } = options;
    const content = JSON.stringify({ key, options: { contentType, contentEncoding, metadata } });
    // Whole under its name or not there: half a folder would be no upload, and nobody's to remove.
    const making = join(tmp, `${id}.tmp`);
    await mkdir(making, { mode: 0o700 });
    await writeFile(join(making, 'upload.json'), content, { flag: 'wx', mode: 0o600 });
    await rename(making, join(tmp, id));
    return { key, id };
  }

  storePart(upload: Upload, number: number, bytes: Uint8Array, crc32: number, signal?: AbortSignal) {
    checkReceived(upload.key, crc32Of(bytes), crc32);
    return this.#store(upload, number, bytes.length, signal, async (handle, offset) => {
      for (let written = 0; written < bytes.length; written += WRITE_BYTES) {
        signal?.throwIfAborted();
        await writeAt(handle, bytes.subarray(written, written + WRITE_BYTES), offset + written);
      }
      return crc32;
    });
  }

  /** `body` has exactly `bytes` bytes, or fails. */
  streamPart(upload: Upload, number: number, bytes: number, body: AsyncIterable<Uint8Array>, signal?: AbortSignal) {
    return this.#store(upload, number, bytes, signal, (handle, offset) => writeStream(handle, body, offset));
  }

  async listParts(upload: Upload): Promise<StoredPart[]> {
    const { folder } = await this.#open(upload);
    const parts = await unlessMissing(listRecords(folder));
    if (parts === undefined) throw lost(upload);
    return parts;
  }

  async #store(upload: Upload, number: number, bytes: number, signal: AbortSignal | undefined, fill: FillPart) {
    signal?.throwIfAborted();
    const { folder } = await this.#open(upload);
    const stored = await unlessMissing(
      storePart(folder, number, bytes, this.#effects.now, async (handle, offset) => {
        const crc32 = await fill(handle, offset);
        // Past this point the part is taken, even if nobody waits for it any more: its bytes must not change.
        signal?.throwIfAborted();
        return crc32;
      }),
    );
    if (stored === undefined) throw lost(upload);
    return stored;
  }

  async complete(upload: Upload, parts: readonly StoredPart[], commit: Commit): Promise<StoredObject> {
    const { folder, options } = await this.#open(upload);
    const records: PartRecord[] = [];
    for (const part of parts) {
      const record = await readRecord(folder, part.number);
      if (record?.bytes !== part.bytes || record.crc32 !== part.crc32) {
        const message = `${showKey(upload.key)} was not committed: part ${part.number} is not the one in the upload.`;
        throw new SkyhaulError('ChecksumRefused', message);
      }
      records.push(record);
    }
    const { whole, giveBack } = await this.#assemble(upload, folder, records, commit);
    try {
      const finished = { key: upload.key, crc32: commit.crc32, condition: commit.condition, options };
      const object = await publish(this.#root, this.#effects, whole, finished);
      // The object stands, whatever becomes of the folder; what stays is still listed as an upload.
      await this.#remove(folder).catch(() => undefined);
      return object;
    } catch (error) {
      await giveBack();
      throw error;
    }
  }

  async abort(upload: Upload): Promise<void> {
    const folder = await this.#folder(upload.id);
    if (folder !== undefined) await this.#remove(folder);
  }

  async *list(prefix: string): AsyncIterable<OpenUpload> {
    const folders = await this.#root.find();
    const names = folders === undefined ? undefined : await unlessMissing(readdir(folders.tmp));
    for (const id of names ?? []) {
      if (folders === undefined || !UPLOAD_ID.test(id)) continue;
      const path = join(folders.tmp, id);
      const key = (await readBegun(path))?.key;
      const stats = await unlessMissing(stat(join(path, 'upload.json')));
      if (stats === undefined || !key?.startsWith(prefix)) continue;
      yield { key, id, initiatedAt: Math.floor(stats.mtimeMs) };
    }
  }

  /**
   * One synced file with the whole object, outside the upload's folder: what is published must be out of reach of a late
   * writer of a part.
   */
  async #assemble(upload: Upload, folder: string, records: readonly PartRecord[], commit: Commit) {
    const { tmp } = await this.#root.prepare();
    const data = join(folder, DATA_FILE);
    const size = (await unlessMissing(stat(data)))?.size;
    if (isInPlace(records) && size === commit.bytes) {
      const path = join(tmp, `${randomUUID()}.tmp`);
      const giveBack = await this.#takeOut(data, path);
      try {
        return { whole: { path, stats: await this.#finish(path) }, giveBack };
      } catch (error) {
        await giveBack();
        throw error;
      }
    }
    const whole = await writeTemporary(this.#root, this.#effects, false, async (handle) => {
      let offset = 0;
      for (const record of records) {
        let crc32 = 0;
        for await (const piece of readPieces(join(folder, record.file), record.offset, record.bytes)) {
          crc32 = crc32Of(piece, crc32);
          await writeAt(handle, piece, offset);
          offset += piece.length;
        }
        checkReceived(upload.key, crc32, record.crc32);
      }
    });
    return { whole, giveBack: () => rm(whole.path, { force: true }) };
  }

  /**
   * A second name for the bytes, so that a process that is killed before they have their last one leaves an upload with all
   * its parts. Nobody writes into them any more: every part has its record. Answers how to undo it.
   */
  async #takeOut(data: string, path: string): Promise<() => Promise<void>> {
    try {
      await this.#effects.link(data, path);
      return () => rm(path, { force: true });
    } catch (error) {
      if (!NO_HARD_LINKS.includes(codeOf(error) ?? '')) throw error;
      await rename(data, path);
      return () => rename(path, data);
    }
  }

  async #finish(path: string): Promise<BigIntStats> {
    const handle = await open(path, 'r+');
    try {
      return await finish(handle, this.#effects);
    } finally {
      await handle.close();
    }
  }

  async #open(upload: Upload): Promise<{ folder: string; options: ObjectOptions }> {
    const folder = await this.#folder(upload.id);
    const found = folder === undefined ? undefined : await readBegun(folder);
    if (folder === undefined || found?.key !== upload.key) throw lost(upload);
    return { folder, options: found.options };
  }

  async #folder(id: string): Promise<string | undefined> {
    const folders = await this.#root.find();
    // An id comes back to us in checkpoints: it must not name another folder.
    return folders === undefined || !UPLOAD_ID.test(id) ? undefined : join(folders.tmp, id);
  }

  /** Out of sight at once, so that a part in flight ends as UploadLost instead of filling what is being emptied. */
  async #remove(folder: string): Promise<void> {
    const gone = `${folder}.gone`;
    await unlessMissing(rename(folder, gone));
    await rm(gone, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function readBegun(folder: string) {
  const text = await unlessMissing(readFile(join(folder, 'upload.json'), 'utf8'));
  return text === undefined ? undefined : begun.safeParse(parseJson(text)).data;
}

function lost(upload: Upload): SkyhaulError {
  return new SkyhaulError('UploadLost', `The open upload of ${showKey(upload.key)} is not there any more.`);
}
