import { createHash, type Hash } from 'node:crypto';
import { type DownloadAllOptions, downloadAll } from 'skyhaul';

/** Takes a digest of every file on its way to where it is stored. */
export async function storeWithDigests(urls: readonly string[], options: DownloadAllOptions) {
  const hashes = new Map<string, Hash>();
  const downloads = downloadAll(urls, {
    onChunk: (chunk, { key, offset }) => {
      // Offset 0 begins a file, and begins it anew where its source changed meanwhile.
      const hash = (offset === 0 ? undefined : hashes.get(key)) ?? createHash('sha256');
      hashes.set(key, hash.update(chunk));
    },
    ...options,
  });
  const stored: { key: string; sha256: string }[] = [];
  for await (const { outcome, key = '' } of downloads) {
    const sha256 = hashes.get(key)?.digest('hex');
    if (outcome === 'stored' && sha256 !== undefined) stored.push({ key, sha256 });
    hashes.delete(key);
  }
  return stored;
}
