import { type UploadOptions, type UploadResult, upload } from 'skyhaul';

/** What a generator makes becomes one object, of any length; it is seen as a whole, or not at all. */
export async function writeReport(rows: AsyncIterable<object>, options: UploadOptions): Promise<UploadResult> {
  async function* text() {
    for await (const row of rows) yield `${JSON.stringify(row)}\n`;
  }
  return await upload(text(), { contentType: 'application/x-ndjson', ...options });
}
