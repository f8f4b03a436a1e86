import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { OpenAuth } from '../contract/request.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/** A request as it is about to be sent. */
export interface Hop {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | 'streamed' | undefined;
}

/** Headers that say who asks. Called for every request anew, and only for those to the origin that the item names. */
export type Authorize = (hop: Hop) => Promise<Readonly<Record<string, string>>>;

/** Basic (RFC 7617, UTF-8), Bearer (RFC 6750), or AWS Signature Version 4. `now`: epoch milliseconds. */
export function authorizeWith(auth: OpenAuth, now: () => number): Authorize {
  switch (auth.type) {
    case 'basic': {
      const value = Buffer.from(`${auth.username}:${auth.password}`).toString('base64');
      return () => Promise.resolve({ authorization: `Basic ${value}` });
    }
    case 'bearer':
      return () => Promise.resolve({ authorization: `Bearer ${auth.token}` });
    case 'sigv4':
      return (hop) => sign(auth, hop, now());
  }
}

/** Range and If-Range are signed with the rest, so that each request has a signature of its own. */
async function sign(auth: OpenAuth & { type: 'sigv4' }, hop: Hop, nowMs: number) {
  const { service, region, credentials } = auth;
  // S3 takes the path as it stands; every other service wants it encoded once more.
  const uriEscapePath = service !== 's3';
  const { sessionToken, ...keys } = credentials;
  const signer = new SignatureV4({
    service,
    region,
    credentials: { ...keys, ...(sessionToken !== undefined && { sessionToken }) },
    sha256: Sha256,
    uriEscapePath,
    applyChecksum: true,
  });
  const { url, method, body } = hop;
  if (body === 'streamed') {
    const message = '`sigv4` signs every byte before the first one is sent: give the `body` as a text or `{ base64 }`';
    throw new SkyhaulError('BatchInvalid', message);
  }
  const signed = await signer.sign(
    {
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port !== '' && { port: Number(url.port) }),
      path: url.pathname,
      query: queryOf(url),
      headers: { ...hop.headers, host: url.host },
      ...(body !== undefined && { body }),
    },
    { signingDate: new Date(nowMs) },
  );
  const { host: _, ...headers } = signed.headers;
  return headers;
}

function queryOf(url: URL): Record<string, string | string[]> {
  const query: Record<string, string[]> = {};
  for (const [name, value] of url.searchParams) query[name] = [...(query[name] ?? []), value];
  return query;
}

/** Of node:crypto, as the signer wants it. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  /** The signer makes a new one each time. */
  reset(): void {
    throw new Error('a hash is used once');
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
