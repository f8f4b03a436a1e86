import type { Exchange } from './exchange.ts';
import type { FramingVerdict } from './framing.ts';

/** A body nobody wants is read only as long as that is cheaper than a new connection. */
const MAX_DISCARDED_BYTES = 64 * 1024;
const MAX_DISCARD_MS = 2_000;
/** Enough for the `<Code>` of an error body. */
const MAX_KEPT_CHARACTERS = 4 * 1024;

/**
 * Gets rid of the body of a redirect or an error, so that its connection can serve the next request, or drops the
 * connection. Answers with the beginning of the body as Latin-1. Never throws: the response has been judged already.
 */
export async function discardBody(exchange: Exchange, framing: FramingVerdict): Promise<string> {
  const isLong = framing.kind === 'broken' || (framing.kind === 'length' && framing.bytes > MAX_DISCARDED_BYTES);
  let kept = '';
  let bytes = 0;
  const timer = setTimeout(() => void exchange.drop(), MAX_DISCARD_MS);
  try {
    if (isLong) return '';
    for await (const chunk of exchange.body) {
      bytes += chunk.length;
      if (kept.length < MAX_KEPT_CHARACTERS) kept += Buffer.from(chunk).toString('latin1', 0, MAX_KEPT_CHARACTERS);
      if (bytes > MAX_DISCARDED_BYTES) break;
    }
  } catch {
    // A body that breaks off was not wanted anyway.
  } finally {
    clearTimeout(timer);
    await exchange.drop();
  }
  return kept;
}
