import type { Exchange } from './exchange.ts';

/** The beginning of a body as UTF-8, at most so many bytes; what follows is not read. Throws what the body throws. */
export async function readText(exchange: Exchange, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of exchange.body) {
      // The chunk is ours only until the next one is asked for.
      chunks.push(Uint8Array.from(chunk.subarray(0, maxBytes - bytes)));
      bytes += chunk.length;
      if (bytes >= maxBytes) break;
    }
  } finally {
    await exchange.drop();
  }
  return Buffer.concat(chunks).toString('utf8');
}
