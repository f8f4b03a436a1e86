/**
 * What a file cannot say about itself: checksum, content type, metadata. One small file per version of an object, named
 * after key and inode, so that writers of one key never overwrite each other's. It is written before its object becomes
 * visible, not synced (losing it loses knowledge, never bytes), and believed only while size, time and inode still fit.
 */
import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { unlessMissing } from './local-errors.ts';
import type { OwnFolders } from './local-root.ts';
import type { ObjectOptions } from './object-store.ts';

const sidecar = z.object({
  bytes: z.string(),
  mtimeNs: z.string(),
  ino: z.string(),
  crc32: z.int(),
  contentType: z.string().optional(),
  contentEncoding: z.string().optional(),
  metadata: z.record(z.string(), z.string()),
});

export type Sidecar = z.infer<typeof sidecar>;

/** Opaque outside this folder. A new version has another inode or another time. */
export function localEtag(stats: BigIntStats): string {
  return [stats.size, stats.mtimeNs, stats.ino].map((value) => value.toString(16)).join('-');
}

/** Writes nothing where there is nothing to keep: our run state needs no second file per object. */
export async function writeSidecar(
  folders: OwnFolders,
  key: string,
  stats: BigIntStats,
  crc32: number,
  options: ObjectOptions,
): Promise<void> {
  const { contentType, contentEncoding, metadata = {} } = options;
  if (contentType === undefined && contentEncoding === undefined && Object.keys(metadata).length === 0) return;
  const path = sidecarPath(folders, key, stats);
  const content: Sidecar = { ...identity(stats), crc32, contentType, contentEncoding, metadata };
  // Straight under its name: nobody looks for it before its object stands, and half a one is not believed.
  const write = () => writeFile(path, JSON.stringify(content), { mode: 0o600 }).then(() => true);
  if (await unlessMissing(write())) return;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await write();
}

export async function readSidecar(folders: OwnFolders, key: string, stats: BigIntStats): Promise<Sidecar | undefined> {
  const text = await unlessMissing(readFile(sidecarPath(folders, key, stats), 'utf8'));
  if (text === undefined) return undefined;
  const parsed = sidecar.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const expected = identity(stats);
  const { bytes, mtimeNs, ino } = parsed.data;
  return bytes === expected.bytes && mtimeNs === expected.mtimeNs && ino === expected.ino ? parsed.data : undefined;
}

/** Of a version that is no longer there. */
export async function removeSidecar(folders: OwnFolders, key: string, stats: BigIntStats): Promise<void> {
  await rm(sidecarPath(folders, key, stats), { force: true });
}

/** `undefined` for what a crash cut short. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function identity(stats: BigIntStats): { bytes: string; mtimeNs: string; ino: string } {
  return { bytes: String(stats.size), mtimeNs: String(stats.mtimeNs), ino: String(stats.ino) };
}

function sidecarPath(folders: OwnFolders, key: string, stats: BigIntStats): string {
  const name = createHash('sha256').update(key).digest('hex');
  return join(folders.objects, name.slice(0, 2), `${name}-${stats.ino.toString(16)}.json`);
}
