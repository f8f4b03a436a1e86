import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { type StreamOptions, stream } from 'skyhaul';

/** A web stream for `Response`, `TransformStream`, `CompressionStream` and everything else of the web. */
export async function readJson(url: string, options: StreamOptions = {}): Promise<unknown> {
  const source = await stream(url, { expect: { contentType: 'application/json' }, ...options });
  return await new Response(source.body).json();
}

/** The rows of interest of a packed CSV, into whatever takes a stream of Node's. */
export async function saveAdults(url: string, path: string, options: StreamOptions = {}): Promise<void> {
  const transform = ['gunzip', { name: 'csv', where: 'age >= 18', select: ['name', 'age'] }] as const;
  const source = await stream(url, { transform, ...options });
  await pipeline(source.toNode(), createWriteStream(path));
}
