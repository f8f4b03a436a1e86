/** The memory S3's calls about whole objects. Each is one step: nothing comes between its checks and its effect. */
import type { IncomingHttpHeaders } from 'node:http';
import { crc32Base64 } from '../../lib/store/crc32.ts';
import type { Received } from './memory-s3-body.ts';
import { invalidRequest, noSuchKey, S3Problem } from './memory-s3-problem.ts';
import {
  type Bucket,
  checkCondition,
  describingHeaders,
  etagOf,
  type MemoryObject,
  type Rules,
  unquote,
} from './memory-s3-state.ts';
import { writeXml } from './memory-s3-xml.ts';
import type { Answer, Call } from './store-faults-call.ts';

export interface Ask {
  readonly bucket: Bucket;
  readonly call: Call;
  readonly headers: IncomingHttpHeaders;
  readonly body: Received;
  readonly rules: Rules;
}

const NOTHING = Buffer.alloc(0);

export function putObject({ bucket, call, headers, body, rules }: Ask): Answer {
  const described = describingHeaders(headers);
  checkCondition(headers, bucket.objects.get(call.key));
  const { bytes, crc32, pieces } = body;
  const checksum = body.isChecked ? ({ crc32: crc32Base64(crc32), type: 'FULL_OBJECT' } as const) : undefined;
  const etag = etagOf(rules, body);
  const object = bucket.commit({ key: call.key, bytes, crc32, etag, checksum, headers: described, pieces });
  return { status: 200, headers: { etag: `"${object.etag}"`, ...checksumHeaders(object) }, body: NOTHING };
}

export function headObject({ bucket, call, headers }: Ask): Answer {
  const object = bucket.objects.get(call.key);
  if (object === undefined) throw noSuchKey();
  checkReadCondition(headers, object);
  return {
    status: 200,
    headers: { ...readHeaders(object, headers), 'content-length': `${object.bytes}` },
    body: NOTHING,
  };
}

export function getObject({ bucket, call, headers }: Ask): Answer {
  const object = bucket.objects.get(call.key);
  if (object === undefined) throw noSuchKey();
  checkReadCondition(headers, object);
  if (object.pieces === undefined) throw new S3Problem(501, 'NotImplemented', 'These bytes were thrown away.');
  const whole = Buffer.concat(object.pieces);
  const range = readRange(headers.range, object.bytes);
  if (range === undefined) return { status: 200, headers: readHeaders(object, headers), body: whole };
  const [first, last] = range;
  const contentRange = { 'content-range': `bytes ${first}-${last}/${object.bytes}` };
  const described = { ...readHeaders(object, {}), ...contentRange };
  return { status: 206, headers: described, body: whole.subarray(first, last + 1) };
}

export function deleteObject({ bucket, call }: Ask): Answer {
  bucket.remove(call.key);
  return { status: 204, headers: {}, body: NOTHING };
}

/** ListObjectsV2. */
export function listObjects({ bucket, call: { query } }: Ask): Answer {
  if (query.get('delimiter')) throw new S3Problem(501, 'NotImplemented', 'delimiter');
  const prefix = query.get('prefix') ?? '';
  const token = query.get('continuation-token');
  const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
  const limit = pageSize(query.get('max-keys'));
  const from = after === '' ? undefined : Buffer.from(after);
  const left = bucket
    .sortedKeys()
    .filter((key) => key.startsWith(prefix) && (from === undefined || Buffer.compare(Buffer.from(key), from) > 0));
  const page = left.slice(0, limit);
  const isTruncated = left.length > page.length;
  const spell = (text: string) =>
    query.get('encoding-type') === 'url' ? encodeURIComponent(text).replaceAll('%2F', '/') : text;
  const body = writeXml('ListBucketResult', {
    Name: bucket.name,
    Prefix: spell(prefix),
    KeyCount: page.length,
    MaxKeys: limit,
    EncodingType: query.get('encoding-type') ?? undefined,
    IsTruncated: isTruncated,
    NextContinuationToken: isTruncated ? Buffer.from(page.at(-1) ?? '').toString('base64url') : undefined,
    Contents: page.flatMap((key) => {
      const object = bucket.objects.get(key);
      if (object === undefined) return [];
      const LastModified = new Date(object.modifiedAt).toISOString();
      return [
        { Key: spell(key), LastModified, ETag: `"${object.etag}"`, Size: object.bytes, StorageClass: 'STANDARD' },
      ];
    }),
  });
  return { status: 200, headers: { 'content-type': 'application/xml' }, body };
}

/** At most 1,000, as everywhere in S3. */
export function pageSize(asked: string | null): number {
  const limit = asked === null ? 1_000 : Number(asked);
  if (!Number.isInteger(limit) || limit < 0) throw new S3Problem(400, 'InvalidArgument', 'The size of a page.');
  return Math.min(limit, 1_000);
}

function checksumHeaders({ checksum }: Pick<MemoryObject, 'checksum'>): Record<string, string> {
  if (checksum === undefined) return {};
  return { 'x-amz-checksum-crc32': checksum.crc32, 'x-amz-checksum-type': checksum.type };
}

function readHeaders(object: MemoryObject, asked: IncomingHttpHeaders): Record<string, string> {
  const wantsChecksum = String(asked['x-amz-checksum-mode'] ?? '').toUpperCase() === 'ENABLED';
  return {
    ...object.headers,
    'accept-ranges': 'bytes',
    etag: `"${object.etag}"`,
    'last-modified': new Date(object.modifiedAt).toUTCString(),
    ...(wantsChecksum ? checksumHeaders(object) : {}),
  };
}

function checkReadCondition(headers: IncomingHttpHeaders, object: MemoryObject): void {
  const match = headers['if-match'];
  if (match !== undefined && unquote(match) !== object.etag) {
    throw new S3Problem(412, 'PreconditionFailed', 'At least one of the pre-conditions did not hold.');
  }
  const others = ['if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range'];
  const other = others.find((name) => headers[name] !== undefined);
  if (other !== undefined) throw new S3Problem(501, 'NotImplemented', other);
}

/** First and last byte; `undefined` for the whole. */
function readRange(range: string | undefined, bytes: number): readonly [number, number] | undefined {
  if (range === undefined) return undefined;
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? [];
  if (from === '' && to === '') throw invalidRequest('Range');
  const first = from === '' ? Math.max(0, bytes - Number(to)) : Number(from);
  const last = from === '' || to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1);
  if (first > last) throw new S3Problem(416, 'InvalidRange', 'The requested range is not satisfiable');
  return [first, last];
}
