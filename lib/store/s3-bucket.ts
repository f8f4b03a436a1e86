/** What every call to S3 shares: bucket, prefix and owner, counting, errors in our words, and how an object is described. */
import {
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  type StorageClass,
} from '@aws-sdk/client-s3';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { parseCrc32Base64 } from './crc32.ts';
import { checkS3Key } from './key-rules.ts';
import type { Condition, ObjectOptions, StoredObject, Upload } from './object-store.ts';
import { shortWayOf } from './s3-client.ts';
import { isMissing, preconditionFailed, toStoreError } from './s3-errors.ts';
import { describedBy } from './s3-short-request.ts';
import type { ShortWay } from './s3-short-way.ts';
import { formatS3Uri, type S3Location } from './s3-uri.ts';
import { splitUploadId } from './upload-id.ts';

/** S3 keeps one for every object. */
export const DEFAULT_CONTENT_TYPE = 'application/octet-stream';
/** Metadata entry by which a write knows its own object again. Not shown to callers. */
const WRITE_TOKEN = 'skyhaul-write';

export interface Found extends StoredObject {
  readonly token: string | undefined;
}

/** What S3 answers about an object, as far as it is the same everywhere. */
interface Described {
  readonly ContentLength?: number | undefined;
  readonly ETag?: string | undefined;
  readonly ChecksumCRC32?: string | undefined;
  readonly ContentType?: string | undefined;
  readonly ContentEncoding?: string | undefined;
  readonly StorageClass?: string | undefined;
  /** Of INTELLIGENT_TIERING. */
  readonly ArchiveStatus?: string | undefined;
  readonly Metadata?: Record<string, string> | undefined;
}

export class S3Bucket {
  readonly client: S3Client;
  readonly location: S3Location;
  readonly requests = { put: 0, get: 0 };
  /** Parameters of every call. */
  readonly bucket: { readonly Bucket: string; readonly ExpectedBucketOwner?: string };
  readonly #short: ShortWay | undefined;

  constructor(client: S3Client, location: S3Location, owner: string | undefined) {
    this.client = client;
    this.#short = shortWayOf(client);
    this.location = location;
    this.bucket = { Bucket: location.bucket, ...(owner === undefined ? {} : { ExpectedBucketOwner: owner }) };
  }

  uriOf(key: string): string {
    return `s3://${this.location.bucket}/${this.location.prefix}${key}`;
  }

  /** Parameters of a call about one object. Throws KeyRefused. */
  object(key: string) {
    checkS3Key(key, this.location.prefix);
    return { ...this.bucket, Key: this.location.prefix + key };
  }

  /** Parameters of a call about an open upload. */
  upload({ key, id }: Upload) {
    return { ...this.object(key), UploadId: splitUploadId(id).uploadId };
  }

  /** For answers that say less than they have to. */
  unavailable(key: string, what: string): SkyhaulError {
    return new SkyhaulError('StoreUnavailable', `${JSON.stringify(this.uriOf(key))}: ${what}.`);
  }

  /** PUT, POST and LIST requests, which S3 bills alike. `carriesBytes` as for the classification. */
  put<T>(key: string, send: () => Promise<T>, carriesBytes = false): Promise<T> {
    this.requests.put += 1;
    return this.#call(key, send, carriesBytes);
  }

  get<T>(key: string, send: () => Promise<T>): Promise<T> {
    this.requests.get += 1;
    return this.#call(key, send, false);
  }

  /** DELETE and abort are free. */
  remove<T>(key: string, send: () => Promise<T>): Promise<T> {
    return this.#call(key, send, false);
  }

  async head(key: string): Promise<Found | undefined> {
    const input = { ...this.object(key), ChecksumMode: 'ENABLED' as const };
    return this.get(key, async () => {
      const answer = await this.#short?.head(input);
      if (answer) return answer.status === 404 ? undefined : describe(key, describedBy(answer.headers));
      try {
        return describe(key, await this.client.send(new HeadObjectCommand(input)));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  /** One object in one request; its ETag. */
  putObject(key: string, input: PutObjectCommandInput): Promise<string | undefined> {
    const send = async () => {
      const answer = await this.#short?.put(input);
      if (answer?.status === 412) throw preconditionFailed();
      if (answer) return answer.headers.etag;
      return (await this.client.send(new PutObjectCommand(input))).ETag;
    };
    return this.put(key, send, true);
  }

  /** Ends the sockets. The client may be used again, by others. */
  async close(): Promise<void> {
    this.client.destroy();
    await this.#short?.close();
  }

  get uri(): string {
    return formatS3Uri(this.location);
  }

  async #call<T>(key: string, send: () => Promise<T>, carriesBytes: boolean): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw toStoreError(error, this.uriOf(key), carriesBytes);
    }
  }
}

export function describe(key: string, answer: Described): Found {
  const { [WRITE_TOKEN]: token, ...metadata } = answer.Metadata ?? {};
  return {
    key,
    bytes: answer.ContentLength ?? 0,
    etag: answer.ETag ?? '',
    // A checksum of checksums (COMPOSITE) says nothing about the whole and does not parse.
    crc32: parseCrc32Base64(answer.ChecksumCRC32 ?? ''),
    contentType: answer.ContentType,
    ...(answer.ContentEncoding && { contentEncoding: answer.ContentEncoding }),
    ...(isArchived(answer) && { isArchived: true }),
    metadata,
    token,
  };
}

function isArchived({ StorageClass, ArchiveStatus }: Described): boolean {
  return StorageClass === 'GLACIER' || StorageClass === 'DEEP_ARCHIVE' || ArchiveStatus !== undefined;
}

export function withoutToken({ token: _, ...object }: Found): StoredObject {
  return object;
}

/** Parameters that describe a new object. */
export function objectParameters(options: ObjectOptions, token: string | undefined) {
  const Metadata = { ...options.metadata, ...(token === undefined ? {} : { [WRITE_TOKEN]: token }) };
  return {
    ContentType: options.contentType ?? DEFAULT_CONTENT_TYPE,
    ContentEncoding: options.contentEncoding,
    Metadata,
    CacheControl: options.cacheControl,
    StorageClass: options.storageClass as StorageClass | undefined,
    ...(options.tags !== undefined && { Tagging: new URLSearchParams(options.tags).toString() }),
    ...(options.kmsKeyId !== undefined && {
      ServerSideEncryption: 'aws:kms' as const,
      SSEKMSKeyId: options.kmsKeyId,
    }),
  };
}

export function conditionParameters(condition: Condition): { IfNoneMatch?: string; IfMatch?: string } {
  switch (condition.kind) {
    case 'absent':
      return { IfNoneMatch: '*' };
    case 'matches':
      return { IfMatch: condition.etag };
    case 'any':
      return {};
  }
}
