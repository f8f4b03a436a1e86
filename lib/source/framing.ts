import { type HeaderList, listOf } from './header-list.ts';
import type { Framing } from './source.ts';

/** `broken`: nobody can say where such a body ends, so none of it is stored. */
export type FramingVerdict = Framing | { readonly kind: 'broken'; readonly why: string };

const broken = (why: string): FramingVerdict => ({ kind: 'broken', why });

/**
 * How the end of a response body is known, from its headers alone (RFC 9112 6.3, for a response to GET). Stricter than
 * the RFC where two parties could read the message differently: a Content-Length beside a Transfer-Encoding, and every
 * transfer coding that was not asked for, are broken. `endedBy` is what ends a body that says no length: a `stream` of
 * HTTP/2 has an end of its own, which proves as much as a last chunk (RFC 9113 8.1).
 */
export function classifyFraming(
  status: number,
  headers: HeaderList,
  endedBy: 'connection' | 'stream' = 'connection',
): FramingVerdict {
  if (status < 200 || status === 204 || status === 304) return { kind: 'length', bytes: 0 };
  const codings = listOf(headers, 'transfer-encoding');
  const lengths = listOf(headers, 'content-length');

  if (codings.length > 0) {
    if (lengths.length > 0) return broken('both Transfer-Encoding and Content-Length');
    const isChunked = codings.length === 1 && codings[0]?.toLowerCase() === 'chunked';
    return isChunked ? { kind: 'chunked' } : broken('a Transfer-Encoding other than chunked');
  }
  if (lengths.length === 0) return { kind: endedBy === 'stream' ? 'chunked' : 'eof' };
  if (!lengths.every((length) => /^\d+$/.test(length))) return broken('a Content-Length that is no number');
  const [bytes = 0, ...others] = lengths.map(Number);
  if (others.some((other) => other !== bytes)) return broken('Content-Lengths that contradict each other');
  return Number.isSafeInteger(bytes) ? { kind: 'length', bytes } : broken('a Content-Length beyond 2^53');
}
