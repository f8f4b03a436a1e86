/** Reading of files in pieces that belong to whoever asked, and listing of a directory tree in the order S3 lists keys. */
import type { Dirent } from 'node:fs';
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { unlessMissing } from './local-errors.ts';
import { OWN_DIRECTORY } from './local-root.ts';
import { localEtag } from './local-sidecar.ts';
import type { StoredKey } from './object-store.ts';

const PIECE_BYTES = 256 * 1024;

/** Closes the handle at the end, or when the reader gives up. */
export async function* readHandle(handle: FileHandle, offset: number, bytes: number): AsyncGenerator<Uint8Array> {
  try {
    for (let read = 0; read < bytes; ) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, bytes - read));
      const { bytesRead } = await handle.read(piece, 0, piece.length, offset + read);
      if (bytesRead === 0) throw new SkyhaulError('StoreFailed', `A file became shorter while it was read.`);
      read += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

export async function* readPieces(path: string, offset: number, bytes: number): AsyncGenerator<Uint8Array> {
  yield* readHandle(await open(path, 'r'), offset, bytes);
}

/**
 * Regular files whose key begins with the prefix, in UTF-8 byte order; links and special files are no objects. Our own
 * folder is passed over unless the prefix leads into it.
 */
export async function* listFiles(root: string, prefix: string): AsyncGenerator<StoredKey> {
  const cut = prefix.lastIndexOf('/') + 1;
  const segments = prefix.slice(0, cut).split('/').slice(0, -1);
  if (segments.some((segment) => ['', '.', '..'].includes(segment) || segment.includes('\0'))) return;
  let directory = root;
  for (const segment of segments) {
    directory = join(directory, segment);
    const stats = await unlessMissing(lstat(directory));
    if (stats === undefined || !stats.isDirectory()) return;
  }
  yield* listDirectory(directory, prefix.slice(0, cut), prefix.slice(cut));
}

async function* listDirectory(directory: string, base: string, start: string): AsyncGenerator<StoredKey> {
  const entries = (await unlessMissing(readdir(directory, { withFileTypes: true }))) ?? [];
  for (const { name, isDirectory } of sortAsKeys(entries, start)) {
    if (base === '' && name === OWN_DIRECTORY) continue;
    const path = join(directory, name);
    if (isDirectory) {
      yield* listDirectory(path, `${base}${name}/`, '');
      continue;
    }
    const stats = await unlessMissing(lstat(path, { bigint: true }));
    if (stats === undefined || !stats.isFile()) continue;
    const modifiedAt = Number(stats.mtimeNs / 1_000_000n);
    yield { key: base + name, bytes: Number(stats.size), etag: localEtag(stats), modifiedAt };
  }
}

/** A directory sorts as its keys do, with the slash: `a.txt` stands before `a/b`. */
function sortAsKeys(entries: readonly Dirent[], start: string) {
  return entries
    .filter((entry) => entry.name.startsWith(start) && (entry.isFile() || entry.isDirectory()))
    .map((entry) => {
      const isDirectory = entry.isDirectory();
      return { name: entry.name, isDirectory, sortKey: Buffer.from(isDirectory ? `${entry.name}/` : entry.name) };
    })
    .sort((one, other) => Buffer.compare(one.sortKey, other.sortKey));
}
