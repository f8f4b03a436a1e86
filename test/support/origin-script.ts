import type { Frames } from './http2-frames.ts';
import { piecesOf } from './origin-bytes.ts';

/** Bytes that are made while they are sent, however many. */
export interface Generated {
  readonly seed: number | string;
  readonly bytes: number;
  /** @default 0 */
  readonly from?: number;
}

/** How the origin answers one request. Everything is optional: `{}` is an empty 200. */
export interface Script {
  /** These bytes instead of a response made from the fields below; `cut`, `stall`, `drip` count from their beginning. */
  readonly raw?: string | Uint8Array;
  /** Milliseconds before the first byte; Infinity: never. */
  readonly delayMs?: number;
  /** @default 200 */
  readonly status?: number;
  /** @default '1.1' */
  readonly version?: '1.0' | '1.1';
  /** Sent in this order and spelling; a list becomes one line each. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** `{ seed, bytes, from }` is `bytesOf(seed, bytes, from)`, made on the way. */
  readonly body?: string | Uint8Array | Generated;
  /** `eof` sends no length and closes behind the body. @default 'length' */
  readonly framing?: 'length' | 'chunked' | 'eof';
  /** A lie about the length; 'none' leaves the header out. */
  readonly contentLength?: number | string;
  /** Size of a chunk. @default 16_384 */
  readonly chunkBytes?: number;
  /** Raw header lines behind the last chunk, each with its CRLF. */
  readonly trailers?: string;
  /** Ends the connection behind so many bytes on the wire, counted behind the header block (chunk sizes included). */
  readonly cut?: { readonly afterBytes: number; readonly by: 'fin' | 'rst' };
  /** Sends nothing for a while, or (without forMs) for ever. */
  readonly stall?: { readonly afterBytes: number; readonly forMs?: number };
  /** Sends the body in small pieces. */
  readonly drip?: { readonly bytes: number; readonly everyMs: number };
  /** Sends `Connection: close` and closes behind the response. */
  readonly close?: boolean;
  /** What only HTTP/2 can do. There `close` sends GOAWAY, and a body of any framing but `length` ends with its stream. */
  readonly http2?: Http2Script;
}

interface Http2Script {
  /** Before the head. */
  readonly before?: Frames;
  /** Instead of head and body; nothing follows but a `cut`. */
  readonly instead?: Frames;
  /** Behind so many bytes of the body (0: behind the head). */
  readonly at?: {
    readonly afterBytes: number;
    readonly frames: Frames;
    readonly next: 'go-on' | 'stop' | 'fin' | 'rst';
  };
}

/** The header fields of a script, its length included. */
export function fieldsOf(script: Script): (readonly [name: string, value: string])[] {
  const fields = Object.entries(script.headers ?? {}).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one) => [name, one] as const),
  );
  const length = String(script.contentLength ?? lengthOf(script.body));
  const saysLength = (script.framing ?? 'length') === 'length' && script.contentLength !== 'none';
  return saysLength ? [...fields, ['Content-Length', length]] : fields;
}

/** The header block of a script; empty for a raw one. */
export function headOf(script: Script): Buffer {
  if (script.raw !== undefined) return Buffer.alloc(0);
  const lines = fieldsOf(script).map(([name, value]) => `${name}: ${value}`);
  if (script.framing === 'chunked') lines.push('Transfer-Encoding: chunked');
  if (closesBehind(script)) lines.push('Connection: close');
  const status = `HTTP/${script.version ?? '1.1'} ${script.status ?? 200} Because`;
  return Buffer.from([status, ...lines, '', ''].join('\r\n'), 'latin1');
}

/** What follows the header block, in pieces as they are written. */
export function* wireOf(script: Script): Generator<Buffer> {
  if (script.raw !== undefined) {
    yield Buffer.from(script.raw);
    return;
  }
  if (script.framing !== 'chunked') {
    yield* bodyOf(script.body);
    return;
  }
  for (const piece of bodyOf(script.body, script.chunkBytes ?? 16_384)) {
    yield Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);
  }
  yield Buffer.from(`0\r\n${script.trailers ?? ''}\r\n`);
}

export function closesBehind(script: Script): boolean {
  return script.close === true || script.framing === 'eof';
}

export function* bodyOf(body: Script['body'], pieceBytes?: number): Generator<Buffer> {
  if (body === undefined) return;
  if (typeof body === 'object' && 'seed' in body) {
    yield* piecesOf(body.seed, body.bytes, pieceBytes, body.from);
    return;
  }
  const all = Buffer.from(body);
  const step = pieceBytes ?? all.length;
  for (let from = 0; from < all.length; from += step) yield all.subarray(from, from + step);
}

function lengthOf(body: Script['body']): number {
  if (body === undefined) return 0;
  return typeof body === 'object' && 'seed' in body ? body.bytes : Buffer.byteLength(body);
}
