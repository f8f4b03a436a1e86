import { type DownloadAllOptions, downloadAll, SkyhaulError } from 'skyhaul';

/** Stops after some time: sockets are closed, nothing half done stays, and what is whole stays whole. */
export async function fetchFor(ms: number, urls: readonly string[], options: DownloadAllOptions): Promise<string> {
  try {
    const { counts } = await downloadAll(urls, { signal: AbortSignal.timeout(ms), ...options }).summary();
    return `${counts.stored} stored`;
  } catch (error) {
    if (error instanceof SkyhaulError && error.name === 'Interrupted') return 'stopped';
    throw error;
  }
}
