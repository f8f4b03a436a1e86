import { SkyhaulError, toSkyhaulError } from '../errors/skyhaul-error.ts';
import type { ManifestSource } from '../run-context.ts';
import type { ObjectStore } from './object-store.ts';

/**
 * Opens a list in S3. It is read as the version that was opened, or refused: half of one and half of another would be
 * a third list, that nobody wrote.
 */
export async function openManifestObject(
  uri: string,
  openFolder: (uri: string) => ObjectStore,
): Promise<ManifestSource> {
  const cut = uri.lastIndexOf('/');
  const name = uri.slice(cut + 1);
  const store = openFolder(uri.slice(0, cut));
  const found = await store.head(name).catch((error: unknown) => {
    throw unreadable(uri, error);
  });
  if (!found) throw new SkyhaulError('ManifestUnreadable', `${uri}: there is no such object`);
  return { name, etag: found.etag, bytes: readVersion(uri, store, name, found.etag) };
}

async function* readVersion(uri: string, store: ObjectStore, name: string, etag: string): AsyncIterable<Uint8Array> {
  const found = await store.get(name);
  if (found?.object.etag !== etag) throw new SkyhaulError('ManifestChanged', `${uri} changed while it was read`);
  yield* found.body;
}

/** What is wrong with a list is the input's matter, also when the store says it. Throttles and outages are not. */
function unreadable(uri: string, error: unknown): SkyhaulError {
  const known = toSkyhaulError(error);
  if (!['StoreDenied', 'StoreMissing', 'KeyRefused'].includes(known.name)) return known;
  return new SkyhaulError('ManifestUnreadable', `${uri}: ${known.message}`, { cause: error });
}
