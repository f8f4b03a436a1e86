import { type DownloadAllOptions, type DownloadSummary, downloadAll } from 'skyhaul';

/** Any number of files: the list is a generator here, and may be millions of items long. */
export async function fetchPages(site: string, pages: number, options: DownloadAllOptions): Promise<DownloadSummary> {
  function* items() {
    for (let page = 1; page <= pages; page += 1) yield { url: `${site}/pages/${page}`, key: `pages/${page}.html` };
  }
  const downloads = downloadAll(items(), {
    concurrency: 16,
    perHostConnections: 4,
    onProgress: ({ key, state, bytesPerSecond = 0 }) => {
      if (state === 'retrying') console.error(`${key} is tried again, at ${Math.round(bytesPerSecond)} bytes/s`);
    },
    ...options,
  });
  for await (const { outcome, url, error, message } of downloads) {
    if (outcome === 'failed') console.error(`${url}: ${error}: ${message}`);
  }
  return await downloads.summary();
}
