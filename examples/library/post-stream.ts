import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type DownloadOptions, download, jsonLines, type LinesOptions } from 'skyhaul';

/** Sends a file of any size, and stores what the service makes of it. It is opened again for every try. */
export async function convertFile(path: string, service: string, options: DownloadOptions): Promise<string> {
  const { size } = await stat(path);
  const body = { stream: () => createReadStream(path), bytes: size };
  const { outcome, key, message } = await download(service, { body, ...options });
  return outcome === 'failed' ? `failed: ${message}` : `${key}: ${outcome}`;
}

/** Sends rows while they are being made, and reads what is found for each of them. Made once, they are sent once. */
export function lookUp(rows: AsyncIterable<object>, service: string, options: LinesOptions = {}) {
  async function* text() {
    for await (const row of rows) yield `${JSON.stringify(row)}\n`;
  }
  return jsonLines(service, { body: text(), headers: { 'content-type': 'application/x-ndjson' }, ...options });
}
