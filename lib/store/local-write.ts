/**
 * Writing of files that become objects: whole, stamped, synced, then placed under their name. The order is the promise:
 * bytes on disk, sidecar, name, name on disk.
 */
import { randomUUID } from 'node:crypto';
import { type BigIntStats, fstatSync, futimesSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { coalesce } from './coalesce.ts';
import { crc32 as crc32Of } from './crc32.ts';
import type { LocalRoot } from './local-root.ts';
import { localEtag, removeSidecar, writeSidecar } from './local-sidecar.ts';
import type { Condition, ObjectOptions, StoredObject } from './object-store.ts';
import { type PlacementEffects, placeFile } from './place-file.ts';

const STREAM_PIECE_BYTES = 256 * 1024;

export interface Finished {
  readonly key: string;
  readonly crc32: number;
  readonly condition: Condition;
  readonly options: ObjectOptions;
}

/** A file that only needs its name: whole and on disk. */
export interface Temporary {
  readonly path: string;
  readonly stats: BigIntStats;
}

/** A new file in `tmp`, removed again when `fill` throws. */
export async function writeTemporary(
  root: LocalRoot,
  effects: PlacementEffects,
  sealed: boolean,
  fill: (handle: FileHandle) => Promise<void>,
): Promise<Temporary> {
  const { tmp } = await root.prepare();
  const path = join(tmp, `${randomUUID()}.tmp`);
  const handle = await open(path, 'wx', sealed ? 0o600 : 0o666);
  try {
    await fill(handle);
    return { path, stats: await finish(handle, effects) };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Stamps and syncs what was written. */
export async function finish(handle: FileHandle, effects: PlacementEffects): Promise<BigIntStats> {
  const seconds = nextStamp(effects.now());
  // Synchronous, because what an open file says of itself costs a tenth of a way through the thread pool.
  futimesSync(handle.fd, seconds, seconds);
  await handle.sync();
  return fstatSync(handle.fd, { bigint: true });
}

/** Gives a synced file its name. When that fails, the temporary still stands. */
export async function publish(
  root: LocalRoot,
  effects: PlacementEffects,
  { path: from, stats }: Temporary,
  finished: Finished,
): Promise<StoredObject> {
  const { key, crc32, condition, options } = finished;
  const folders = await root.prepare();
  const target = await root.makeWay(key);
  await writeSidecar(folders, key, stats, crc32, options);
  try {
    await placeFile({ key, from, to: target.path, tmp: folders.tmp, condition }, effects);
  } catch (error) {
    await removeSidecar(folders, key, stats);
    throw error;
  }
  await root.sync.sync(dirname(target.path));
  if (target.stats !== undefined && target.stats.ino !== stats.ino) await removeSidecar(folders, key, target.stats);
  const { contentType, metadata = {} } = options;
  return { key, bytes: Number(stats.size), etag: localEtag(stats), crc32, contentType, metadata };
}

export async function writeAt(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, offset + written);
    written += bytesWritten;
  }
}

/** Answers with the CRC32 of what it wrote from `offset` on. */
export async function writeStream(
  handle: FileHandle,
  body: AsyncIterable<Uint8Array>,
  offset: number,
): Promise<number> {
  let crc32 = 0;
  let written = 0;
  for await (const piece of coalesce(body, STREAM_PIECE_BYTES, true)) {
    crc32 = crc32Of(piece, crc32);
    await writeAt(handle, piece, offset + written);
    written += piece.length;
  }
  return crc32;
}

let stamps = 0;

/**
 * File times advance with the kernel's tick (4 ms) and inodes are used again, so two versions within one tick could look
 * the same. Each of ours gets its own few microseconds.
 */
function nextStamp(nowMs: number): number {
  stamps = (stamps + 1) % 1_000;
  return (Math.floor(nowMs) + stamps * 0.004) / 1_000;
}
