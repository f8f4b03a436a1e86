import type { RecordedRequest } from './origin.ts';
import type { Generated, Script } from './origin-script.ts';

/** What is added to the answers: a script, or one for this request; its headers and status are merged over ours. */
export type Extra = Script | ((request: RecordedRequest) => Script);

/**
 * A file that can be asked for in parts, as nginx serves it: Range and If-Range (by the tag, or by the Last-Modified
 * among the headers of `extra`), If-Match, If-None-Match, 416 with the length. Several ranges are answered by the whole.
 *
 *     origin.on('/f', ranged({ seed: 1, bytes: 50_000_000 }, '"v1"'));
 *     origin.on('/cut', ranged('hello world', '"v1"', (request) => (request.headers.range ? {} : { cut: … })));
 *     origin.on('/weak', ranged(bytes, undefined, { headers: { ETag: 'W/"1"' } }));
 */
export function ranged(
  body: string | Uint8Array | Generated,
  etag: string | undefined,
  extra: Extra = {},
): (request: RecordedRequest) => Script {
  const total = typeof body === 'object' && 'seed' in body ? body.bytes : Buffer.byteLength(body);

  return (request) => {
    const added = typeof extra === 'function' ? extra(request) : extra;
    const tag: Record<string, string> = etag === undefined ? {} : { ETag: etag };
    const headers = { 'Accept-Ranges': 'bytes', ...tag, ...added.headers };
    const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers;
    if (ifMatch !== undefined && ifMatch !== etag) return { status: 412, body: 'changed' };
    if (ifNoneMatch !== undefined && ifNoneMatch === etag) return { status: 304, headers };

    const range = isRangeWanted(request, etag, headers) ? readRange(request.headers.range ?? '', total) : undefined;
    if (range === 'unsatisfiable') {
      return { status: 416, headers: { 'Content-Range': `bytes */${total}` }, body: 'no such range' };
    }
    if (range === undefined) return { body, ...added, headers };
    const part = { 'Content-Range': `bytes ${range.from}-${range.to}/${total}`, ...headers };
    return { status: 206, body: slice(body, range.from, range.to + 1), ...added, headers: part };
  };
}

function isRangeWanted(request: RecordedRequest, etag: string | undefined, headers: Script['headers']): boolean {
  const { range, 'if-range': ifRange } = request.headers;
  if (range === undefined) return false;
  if (ifRange === undefined) return true;
  return ifRange === (ifRange.endsWith('"') ? etag : headers?.['Last-Modified']);
}

/** Undefined: to be ignored. */
function readRange(value: string, total: number): { from: number; to: number } | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(value) ?? [];
  if (first === '' && last === '') return undefined;
  const from = first === '' ? Math.max(0, total - Number(last)) : Number(first);
  const to = first === '' || last === '' ? total - 1 : Math.min(Number(last), total - 1);
  return from > to ? 'unsatisfiable' : { from, to };
}

function slice(body: string | Uint8Array | Generated, from: number, end: number): Uint8Array | Generated {
  if (typeof body === 'object' && 'seed' in body)
    return { seed: body.seed, bytes: end - from, from: (body.from ?? 0) + from };
  return Buffer.from(body).subarray(from, end);
}
