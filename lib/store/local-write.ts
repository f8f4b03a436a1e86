/**
 * Writing of files that become objects: whole, stamped, synced, then placed under their name. The order is the promise:
 * bytes on disk, sidecar, name, name on disk.
 */
import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { LocalRoot } from './local-root.ts';
import { localEtag, removeSidecar, writeSidecar } from './local-sidecar.ts';
import type { Condition, ObjectOptions, StoredObject } from './object-store.ts';
import { type PlacementEffects, placeFile } from './place-file.ts';

export interface Finished {
  readonly key: string;
  readonly crc32: number;
  readonly condition: Condition;
  readonly options: ObjectOptions;
}

/** A new file in `tmp`, removed again when `fill` throws. Returns its path, synced. */
export async function writeTemporary(
  root: LocalRoot,
  sealed: boolean,
  fill: (handle: FileHandle) => Promise<void>,
): Promise<string> {
  const { tmp } = await root.prepare();
  const path = join(tmp, `${randomUUID()}.tmp`);
  const handle = await open(path, 'wx', sealed ? 0o600 : 0o666);
  try {
    await fill(handle);
    await stamp(handle);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await rm(path, { force: true });
    throw error;
  }
  await handle.close();
  return path;
}

/** Gives a synced file its name. When that fails, `from` still stands. */
export async function publish(
  root: LocalRoot,
  effects: PlacementEffects,
  from: string,
  stats: BigIntStats,
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

let stamps = 0;

/**
 * File times advance with the kernel's tick (4 ms) and inodes are used again, so two versions within one tick could look
 * the same. Each of ours gets its own few microseconds within the tick.
 */
export async function stamp(handle: FileHandle): Promise<void> {
  const { mtimeMs } = await handle.stat();
  stamps = (stamps + 1) % 1_000;
  const seconds = (Math.floor(mtimeMs) + stamps * 0.004) / 1_000;
  await handle.utimes(seconds, seconds);
}
