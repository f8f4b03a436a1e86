/**
 * S3 as a store. Every write carries a CRC32 that S3 checks, and where it matters a condition; an answer that is lost or
 * unclear is resolved by looking at the object, never taken for success or failure. Retries are the client's.
 */
import { randomUUID } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { MAX_OBJECT_BYTES, MAX_PART_BYTES, MAX_PARTS, MIN_PART_BYTES, MiB } from '../contract/limits.ts';
import { checkCommit } from './check-commit.ts';
import { crc32Base64 } from './crc32.ts';
import type {
  Commit,
  CopySource,
  ObjectOptions,
  ObjectStore,
  OpenUpload,
  PutOptions,
  StoredKey,
  StoredObject,
  StoredPart,
  StoreLimits,
  Upload,
} from './object-store.ts';
import {
  conditionParameters,
  DEFAULT_CONTENT_TYPE,
  describe,
  objectParameters,
  S3Bucket,
  withoutToken,
} from './s3-bucket.ts';
import { commitOnce } from './s3-commit.ts';
import { copyPart } from './s3-copy.ts';
import { isMissing, toStoreError } from './s3-errors.ts';
import type { StreamPatience } from './s3-part-body.ts';
import { putStreamToS3 } from './s3-stream.ts';
import { S3Uploads } from './s3-uploads.ts';
import type { S3Location } from './s3-uri.ts';

export interface S3StoreOptions extends S3Location, StreamPatience {
  /** May be shared: its sockets end when the last store on it closes. */
  readonly client: S3Client;
  /** Of our own streams; bounds them at 10,000 parts. Default 8 MiB, about 78 GiB. */
  readonly partBytes?: number;
  /** Account id; every call fails when the bucket belongs to another account. */
  readonly expectedBucketOwner?: string;
}

const openStores = new WeakMap<S3Client, number>();

export function openS3Store(options: S3StoreOptions): ObjectStore {
  openStores.set(options.client, (openStores.get(options.client) ?? 0) + 1);
  return new S3Store(options);
}

class S3Store implements ObjectStore {
  readonly limits: StoreLimits = {
    minPartBytes: MIN_PART_BYTES,
    maxPartBytes: MAX_PART_BYTES,
    maxParts: MAX_PARTS,
    maxObjectBytes: MAX_OBJECT_BYTES,
  };
  readonly #s3: S3Bucket;
  readonly #uploads: S3Uploads;
  readonly #streamPartBytes: number;
  #isOpen = true;

  constructor({ client, bucket, prefix, partBytes, expectedBucketOwner, ...patience }: S3StoreOptions) {
    this.#s3 = new S3Bucket(client, { bucket, prefix }, expectedBucketOwner);
    this.#uploads = new S3Uploads(this.#s3, patience);
    this.#streamPartBytes = partBytes ?? 8 * MiB;
  }

  get uri(): string {
    return this.#s3.uri;
  }

  get requests(): { put: number; get: number } {
    return this.#s3.requests;
  }

  uriOf(key: string): string {
    return this.#s3.uriOf(key);
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const found = await this.#s3.head(key);
    return found && withoutToken(found);
  }

  async get(key: string): Promise<{ object: StoredObject; body: AsyncIterable<Uint8Array> } | undefined> {
    const input = { ...this.#s3.object(key), ChecksumMode: 'ENABLED' as const };
    const answer = await this.#s3.get(key, async () => {
      try {
        return await this.#s3.client.send(new GetObjectCommand(input));
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
    if (answer === undefined) return undefined;
    return { object: withoutToken(describe(key, answer)), body: this.#read(key, answer.Body) };
  }

  async *list(prefix: string, after?: string): AsyncIterable<StoredKey> {
    const base = this.#s3.location.prefix;
    const from = after === undefined ? {} : { StartAfter: base + after };
    const input = { ...this.#s3.bucket, Prefix: base + prefix, ...from };
    const pages = paginateListObjectsV2({ client: this.#s3.client }, input)[Symbol.asyncIterator]();
    for (;;) {
      const page = await this.#s3.put(prefix, () => pages.next());
      if (page.done === true) return;
      for (const { Key = '', Size = 0, ETag = '', LastModified } of page.value.Contents ?? []) {
        const key = Key.slice(base.length);
        yield { key, bytes: Size, etag: ETag, modifiedAt: LastModified?.getTime() ?? 0 };
      }
    }
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions & { readonly crc32: number }): Promise<StoredObject> {
    const token = options.condition.kind === 'any' ? undefined : randomUUID();
    const input = {
      ...this.#s3.object(key),
      ...objectParameters(options, token),
      ...conditionParameters(options.condition),
      Body: bytes,
      ContentLength: bytes.length,
      ChecksumCRC32: crc32Base64(options.crc32),
    };
    const { crc32, contentType = DEFAULT_CONTENT_TYPE, metadata = {} } = options;
    const written = await commitOnce(this.#s3, { key, bytes: bytes.length, crc32, token }, () =>
      this.#s3.putObject(key, input),
    );
    return typeof written === 'string'
      ? { key, bytes: bytes.length, etag: written, crc32, contentType, metadata }
      : written;
  }

  putStream(key: string, body: AsyncIterable<Uint8Array>, options: PutOptions): Promise<void> {
    return putStreamToS3(this.#s3, key, body, options, this.#streamPartBytes);
  }

  async delete(key: string): Promise<void> {
    const command = new DeleteObjectCommand(this.#s3.object(key));
    await this.#s3.remove(key, () => this.#s3.client.send(command));
  }

  createUpload(key: string, options: ObjectOptions): Promise<Upload> {
    return this.#uploads.create(key, options);
  }

  uploadPart(upload: Upload, number: number, bytes: Uint8Array, crc32: number, signal?: AbortSignal) {
    return this.#uploads.uploadPart(upload, number, bytes, crc32, signal);
  }

  streamPart(upload: Upload, number: number, bytes: number, body: AsyncIterable<Uint8Array>, signal?: AbortSignal) {
    return this.#uploads.streamPart(upload, number, bytes, body, signal);
  }

  copyPart(upload: Upload, number: number, source: CopySource, signal?: AbortSignal) {
    return copyPart(this.#s3, upload, number, source, signal);
  }

  listParts(upload: Upload): Promise<StoredPart[]> {
    return this.#uploads.listParts(upload);
  }

  async completeUpload(upload: Upload, parts: readonly StoredPart[], commit: Commit): Promise<StoredObject> {
    checkCommit(upload.key, parts, commit, this.limits);
    return this.#uploads.complete(upload, parts, commit);
  }

  abortUpload(upload: Upload): Promise<void> {
    return this.#uploads.abort(upload);
  }

  async *listUploads(prefix: string): AsyncIterable<OpenUpload> {
    const base = this.#s3.location.prefix;
    let markers = {};
    for (;;) {
      const command = new ListMultipartUploadsCommand({ ...this.#s3.bucket, Prefix: base + prefix, ...markers });
      const page = await this.#s3.put(prefix, () => this.#s3.client.send(command));
      for (const { Key = '', UploadId = '', Initiated, Initiator } of page.Uploads ?? []) {
        const initiatedAt = Initiated?.getTime() ?? 0;
        const by = Initiator?.ID === undefined ? {} : { initiator: Initiator.ID };
        yield { key: Key.slice(base.length), id: UploadId, initiatedAt, ...by };
      }
      if (page.IsTruncated !== true) return;
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { client } = this.#s3;
    const left = (openStores.get(client) ?? 1) - 1;
    openStores.set(client, left);
    if (left === 0) await this.#s3.close();
  }

  async *#read(key: string, body: unknown): AsyncGenerator<Uint8Array> {
    if (!isReadable(body)) return;
    try {
      yield* body;
    } catch (error) {
      throw toStoreError(error, this.uriOf(key), false);
    }
  }
}

function isReadable(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}
