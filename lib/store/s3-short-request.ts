/**
 * HeadObject and PutObject as plain HTTP, from the same parameters and to the same answers as the SDK's. Pure. What is not
 * known here is not translated: it is the SDK's to send.
 */
import type { HeadObjectCommandInput, HeadObjectCommandOutput, PutObjectCommandInput } from '@aws-sdk/client-s3';

type Input = HeadObjectCommandInput & PutObjectCommandInput;
/** By S3's API reference, HeadObject and PutObject. */
const HEADERS = new Map<string, string>(
  Object.entries({
    CacheControl: 'cache-control',
    ChecksumCRC32: 'x-amz-checksum-crc32',
    ChecksumMode: 'x-amz-checksum-mode',
    ContentEncoding: 'content-encoding',
    ContentType: 'content-type',
    ExpectedBucketOwner: 'x-amz-expected-bucket-owner',
    IfMatch: 'if-match',
    IfNoneMatch: 'if-none-match',
    SSEKMSKeyId: 'x-amz-server-side-encryption-aws-kms-key-id',
    ServerSideEncryption: 'x-amz-server-side-encryption',
    StorageClass: 'x-amz-storage-class',
    Tagging: 'x-amz-tagging',
  } satisfies Partial<Record<keyof Input, string>>),
);
const METADATA = 'x-amz-meta-';
/** Parameters that are no headers, or that every HTTP client sets itself. */
const ELSEWHERE = new Set(['Bucket', 'Key', 'Body', 'ContentLength']);
const PLAIN = /^[\x20-\x7e]*$/;

/** `undefined`: some parameter is not known, or no header can carry it as it is. */
export function headersOf(input: Readonly<Record<string, unknown>>): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (const name in input) {
    const value = input[name];
    if (value === undefined || ELSEWHERE.has(name)) continue;
    if (name === 'Metadata') {
      for (const [entry, text] of Object.entries(Object(value))) {
        if (typeof text !== 'string' || !PLAIN.test(text)) return undefined;
        headers[METADATA + entry.toLowerCase()] = text;
      }
      continue;
    }
    const header = HEADERS.get(name);
    // The SDK has its own opinion of an empty one.
    if (header === undefined || typeof value !== 'string' || value === '' || !PLAIN.test(value)) return undefined;
    headers[header] = value;
  }
  return headers;
}

const isSafe = /^[\w.~/-]*$/;

/** As S3 wants it signed: every byte of UTF-8 but letters, digits and `-._~`, and the slashes, which stay. */
export function encodeKey(key: string): string {
  if (isSafe.test(key)) return key;
  return encodeURIComponent(key)
    .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', '/');
}

type Described = Pick<
  HeadObjectCommandOutput,
  | 'ArchiveStatus'
  | 'ChecksumCRC32'
  | 'ContentEncoding'
  | 'ContentLength'
  | 'ContentType'
  | 'ETag'
  | 'Metadata'
  | 'StorageClass'
>;

/** What the answer to a HEAD says of the object. */
export function describedBy(headers: Readonly<Record<string, string>>): Described {
  const Metadata: Record<string, string> = {};
  for (const name in headers) {
    if (name.startsWith(METADATA)) Metadata[name.slice(METADATA.length)] = headers[name] ?? '';
  }
  return {
    ArchiveStatus: headers['x-amz-archive-status'] as Described['ArchiveStatus'],
    ChecksumCRC32: headers['x-amz-checksum-crc32'],
    ContentEncoding: headers['content-encoding'],
    ContentLength: Number(headers['content-length'] ?? 0),
    ContentType: headers['content-type'],
    ETag: headers.etag,
    Metadata,
    StorageClass: headers['x-amz-storage-class'] as Described['StorageClass'],
  };
}
