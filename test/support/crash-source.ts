import type { RecordedRequest } from './origin.ts';
import { bytesOf } from './origin-bytes.ts';
import { ranged } from './origin-ranges.ts';
import type { Script } from './origin-script.ts';

export interface Version {
  readonly bytes: Buffer;
  readonly etag: string | undefined;
}

export interface SourceShape {
  readonly bytes: number;
  /** `none`: no validator and no ranges. */
  readonly kind: 'ranges' | 'none' | 'chunked';
  /** It becomes another one at this request, counted from 1; none: never. `bytes` of the other one. */
  readonly change?: { readonly atRequest: number; readonly bytes: number } | undefined;
  /** So many answers break off behind so many bytes. */
  readonly cuts?: { readonly answers: number; readonly afterBytes: number } | undefined;
  readonly drip?: Script['drip'];
}

const made = new Map<string, Buffer>();

/** The same bytes for the same name, made once. */
export function bodyOf(name: string, bytes: number): Buffer {
  const key = `${name} ${bytes}`;
  const body = made.get(key) ?? bytesOf(name, bytes);
  made.set(key, body);
  return body;
}

/** A source, every version it may be of, and how it answers. */
export function crashSource(name: string, shape: SourceShape) {
  const { kind, change, cuts, drip } = shape;
  const etagOf = (version: number) => (kind === 'none' ? undefined : `"v${version}"`);
  const versions: Version[] = [{ bytes: bodyOf(`${name} 1`, shape.bytes), etag: etagOf(1) }];
  if (change) versions.push({ bytes: bodyOf(`${name} 2`, change.bytes), etag: etagOf(2) });
  let asked = 0;

  const answer = (request: RecordedRequest): Script => {
    asked += 1;
    const version = (change && asked >= change.atRequest && versions[1]) || versions[0];
    if (!version) throw new Error('a source without a version');
    const cut = cuts && asked <= cuts.answers ? { cut: { afterBytes: cuts.afterBytes, by: 'rst' } as const } : {};
    const more: Script = { ...cut, ...(drip && { drip }), ...(kind === 'chunked' && { framing: 'chunked' }) };
    return kind === 'none' ? { body: version.bytes, ...more } : ranged(version.bytes, version.etag, more)(request);
  };
  return { versions, answer, asked: () => asked };
}
