/** What the memory S3 holds, and what is the same for every kind of write. */
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32Hex } from '../../lib/store/crc32.ts';
import type { Received } from './memory-s3-body.ts';
import { noSuchKey, S3Problem } from './memory-s3-problem.ts';
import type { Answer } from './store-faults-call.ts';

export interface Rules {
  /** Of every part but the last. */
  readonly minPartBytes: number;
  /** ETags are no digests. */
  readonly kms: boolean;
  /** 409 where the object changed between Create and a conditional Complete. */
  readonly conflicts: boolean;
  /** A second Complete is NoSuchUpload. */
  readonly forgetsCompleted: boolean;
}

export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

export interface MemoryObject {
  readonly key: string;
  readonly bytes: number;
  /** Of the bytes, whatever the client asked for. */
  readonly crc32: number;
  /** Hex, without quotes. */
  readonly etag: string;
  /** What S3 shows when asked for it. */
  readonly checksum: { readonly crc32: string; readonly type: ChecksumType } | undefined;
  /** Type, encoding, metadata …: headers that came with the write and go out with every read. */
  readonly headers: Readonly<Record<string, string>>;
  readonly pieces: readonly Buffer[] | undefined;
  readonly modifiedAt: number;
  /** Grows with every write of the server. */
  readonly sequence: number;
}

export interface MemoryPart {
  readonly number: number;
  readonly bytes: number;
  readonly crc32: number;
  readonly etag: string;
  readonly pieces: readonly Buffer[] | undefined;
  readonly modifiedAt: number;
}

export interface MemoryUpload {
  readonly id: string;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly checksumType: ChecksumType | undefined;
  readonly parts: Map<number, MemoryPart>;
  readonly initiatedAt: number;
  readonly initiator: string;
  /** What stood at the key when the upload began. */
  readonly stood: number | undefined;
}

export class Bucket {
  readonly name: string;
  readonly objects = new Map<string, MemoryObject>();
  readonly uploads = new Map<string, MemoryUpload>();
  readonly completed = new Map<string, Answer>();
  /** Every object that ever became visible, in this order. */
  readonly commits: MemoryObject[] = [];
  #sortedKeys: string[] | undefined;

  constructor(name: string) {
    this.name = name;
  }

  commit(object: Omit<MemoryObject, 'modifiedAt' | 'sequence'>): MemoryObject {
    const committed = { ...object, modifiedAt: Date.now(), sequence: this.commits.length + 1 };
    if (!this.objects.has(object.key)) this.#sortedKeys = undefined;
    this.objects.set(object.key, committed);
    this.commits.push(committed.pieces === undefined ? committed : { ...committed, pieces: undefined });
    return committed;
  }

  remove(key: string): void {
    if (this.objects.delete(key)) this.#sortedKeys = undefined;
  }

  /** UTF-8 byte order. */
  sortedKeys(): readonly string[] {
    this.#sortedKeys ??= [...this.objects.keys()].sort(inByteOrder);
    return this.#sortedKeys;
  }
}

export function inByteOrder(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

/** If-None-Match and If-Match of a write. */
export function checkCondition(headers: IncomingHttpHeaders, standing: MemoryObject | undefined): void {
  const { 'if-none-match': none, 'if-match': match } = headers;
  if (none !== undefined && none !== '*') {
    throw new S3Problem(501, 'NotImplemented', 'If-None-Match takes * only.');
  }
  const failed = new S3Problem(412, 'PreconditionFailed', 'At least one of the pre-conditions did not hold.');
  if (none !== undefined && standing !== undefined) throw failed;
  if (match === undefined) return;
  if (standing === undefined) throw noSuchKey();
  if (unquote(match) !== standing.etag) throw failed;
}

export function isConditional(headers: IncomingHttpHeaders): boolean {
  return headers['if-none-match'] !== undefined || headers['if-match'] !== undefined;
}

export function unquote(etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1');
}

/** The same for the same bytes, unless KMS encrypts them. MD5 only where the bytes are kept. */
export function etagOf({ kms }: Rules, { md5, crc32, bytes }: Received): string {
  if (kms) return randomBytes(16).toString('hex');
  return md5 ?? `${crc32Hex(crc32)}${bytes.toString(16).padStart(24, '0')}`;
}

const KEPT = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
  'x-amz-storage-class',
];

/** What describes an object, from the request that creates it. S3: user metadata of at most 2 KB. */
export function describingHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const kept: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  let metadataBytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (!KEPT.includes(name) && !name.startsWith('x-amz-meta-')) continue;
    kept[name] = String(value);
    if (name.startsWith('x-amz-meta-')) metadataBytes += name.length - 'x-amz-meta-'.length + String(value).length;
  }
  if (metadataBytes > 2_048) throw new S3Problem(400, 'MetadataTooLarge', 'More than 2 KB of metadata.');
  const encoding = (kept['content-encoding'] ?? '').split(',').map((one) => one.trim());
  const stored = encoding.filter((one) => one !== '' && one !== 'aws-chunked').join(', ');
  if (stored === '') delete kept['content-encoding'];
  else kept['content-encoding'] = stored;
  return kept;
}
