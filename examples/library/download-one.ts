import { type DownloadOptions, download } from 'skyhaul';

/** One file, whole and proven, or not at all. */
export async function fetchRelease(url: string, sha256: string, options: DownloadOptions): Promise<string> {
  const outcome = await download(url, { sha256, attempts: 10, ...options });
  if (outcome.outcome === 'failed') return `${outcome.error}: ${outcome.message}`;
  return `${outcome.key}: ${outcome.outcome}, ${outcome.bytes} bytes`;
}
