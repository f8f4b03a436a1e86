import { type FileHandle, open } from 'node:fs/promises';
import { basename as fileName } from 'node:path';
import { SkyhaulError } from '../lib/errors/skyhaul-error.ts';
import type { ManifestSource } from '../lib/run-context.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { openManifestObject } from '../lib/store/open-manifest-object.ts';

/**
 * Opens a list on disk or in S3, as often as it is asked for. A list that changes while it is read is refused: half of
 * one and half of another would be a third list, that nobody wrote.
 */
export type OpenBucket = (uri: string) => ObjectStore;

/** Throws ManifestUnreadable; reading throws ManifestChanged. */
export async function openManifest(uri: string, openBucket: OpenBucket): Promise<ManifestSource> {
  return uri.startsWith('s3://') ? openManifestObject(uri, openBucket) : openFile(uri);
}

async function openFile(path: string): Promise<ManifestSource> {
  const etag = await withFile(path, fingerprint);
  return { name: fileName(path), etag, bytes: readFile(path, etag) };
}

/** The file is held open only while it is read: not every source that is opened is read. */
async function* readFile(path: string, etag: string): AsyncIterable<Uint8Array> {
  const file = await openOrRefuse(path);
  try {
    await requireSame(file, path, etag);
    yield* readable(path, file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 }));
    await requireSame(file, path, etag);
  } finally {
    await file.close();
  }
}

async function requireSame(file: FileHandle, path: string, etag: string): Promise<void> {
  if ((await fingerprint(file, path)) === etag) return;
  throw new SkyhaulError('ManifestChanged', `${path} changed while it was read`);
}

async function fingerprint(file: FileHandle, path: string): Promise<string> {
  const stat = await file.stat({ bigint: true });
  if (!stat.isFile()) throw new SkyhaulError('ManifestUnreadable', `${path} is not a file`);
  return `"${stat.size}-${stat.mtimeNs}"`;
}

async function withFile<T>(path: string, use: (file: FileHandle, path: string) => Promise<T>): Promise<T> {
  const file = await openOrRefuse(path);
  try {
    return await use(file, path);
  } finally {
    await file.close();
  }
}

async function openOrRefuse(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function* readable(path: string, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    yield* bytes;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): SkyhaulError {
  const code = (cause as NodeJS.ErrnoException).code;
  const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'permission denied' : code;
  return new SkyhaulError('ManifestUnreadable', `${path}: ${why}`, { cause });
}
