import { createHash } from 'node:crypto';
import { SkyhaulError, type StreamOptions, stream } from 'skyhaul';

/** Reads a file, and tells what went wrong by a name that never changes. */
export async function sha256Of(url: string, options: StreamOptions = {}): Promise<string> {
  try {
    await using source = await stream(url, { chunkBytes: 1024 * 1024, ...options });
    console.error(`${source.url}: ${source.bytes ?? 'an unknown number of'} bytes of ${source.contentType}`);
    const hash = createHash('sha256');
    for await (const chunk of source) hash.update(chunk);
    return hash.digest('hex');
  } catch (error) {
    if (error instanceof SkyhaulError && error.name === 'NotFound') return 'there is no such file';
    throw error;
  }
}
