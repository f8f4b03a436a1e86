/**
 * Multipart uploads in S3. Every part carries its CRC32, the commit the full object's CRC32, size and condition: S3
 * itself proves that the parts join to what was read.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { crc32Base64 } from './crc32.ts';
import type { Commit, ObjectOptions, StoredObject, StoredPart, Upload } from './object-store.ts';
import { conditionParameters, objectParameters, type S3Bucket, withoutToken } from './s3-bucket.ts';
import { commitOnce } from './s3-commit.ts';

/** S16: parts in flight may outlive an abort. About 25 s of looking again in all. */
const ABORT_TRIES = 9;

export class S3Uploads {
  readonly #s3: S3Bucket;

  constructor(s3: S3Bucket) {
    this.#s3 = s3;
  }

  async create(key: string, options: ObjectOptions): Promise<Upload> {
    const token = randomUUID();
    const command = new CreateMultipartUploadCommand({
      ...this.#s3.object(key),
      ...objectParameters(options, token),
      ChecksumAlgorithm: 'CRC32',
      ChecksumType: 'FULL_OBJECT',
    });
    const { UploadId } = await this.#s3.put(key, () => this.#s3.client.send(command));
    if (!UploadId) throw this.#unavailable(key, 'an answer without upload id');
    return { key, id: joinId(UploadId, token) };
  }

  /** S07, S08: sent a second time from memory when the answer has no ETag or S3 received other bytes. */
  async uploadPart(upload: Upload, number: number, bytes: Uint8Array, crc32: number): Promise<StoredPart> {
    const send = () => this.#sendPart(upload, number, bytes, crc32);
    const etag =
      (await send().catch((error: unknown) => {
        if (error instanceof SkyhaulError && error.name === 'ChecksumRefused') return undefined;
        throw error;
      })) ?? (await send());
    if (etag === undefined) throw this.#unavailable(upload.key, `an answer without ETag to part ${number}`);
    return { number, bytes: bytes.length, crc32, etag };
  }

  async complete(upload: Upload, parts: readonly StoredPart[], commit: Commit): Promise<StoredObject> {
    const { key } = upload;
    const expected = { key, bytes: commit.bytes, crc32: commit.crc32, token: splitId(upload.id).token };
    const written = await commitOnce(this.#s3, expected, async () => {
      try {
        return await this.#sendComplete(upload, parts, commit);
      } catch (error) {
        if (!isInvalidPart(error)) throw error;
        return this.#sendComplete(upload, await this.#adoptEtags(upload, parts), commit);
      }
    });
    if (typeof written !== 'string') return written;
    // What the object was created with is known only to S3. The commit has happened, whatever this answers.
    const found = await this.#s3.head(key).catch(() => undefined);
    if (found?.etag === written) return { ...withoutToken(found), crc32: commit.crc32 };
    return { key, bytes: commit.bytes, etag: written, crc32: commit.crc32, contentType: undefined, metadata: {} };
  }

  async abort(upload: Upload): Promise<void> {
    const { key } = upload;
    for (let tries = 1; tries <= ABORT_TRIES; tries += 1) {
      if (tries > 1) await sleep(50 * 2 ** tries);
      const abort = new AbortMultipartUploadCommand(this.#identify(upload));
      const aborted = await goneOr(this.#s3.remove(key, () => this.#s3.client.send(abort)));
      if (aborted === undefined) return;
      const list = new ListPartsCommand({ ...this.#identify(upload), MaxParts: 1 });
      const listed = await goneOr(this.#s3.put(key, () => this.#s3.client.send(list)));
      if (listed === undefined) return;
    }
    throw this.#unavailable(key, 'an upload that is still there after it was aborted');
  }

  async #sendPart(upload: Upload, number: number, bytes: Uint8Array, crc32: number): Promise<string | undefined> {
    const command = new UploadPartCommand({
      ...this.#identify(upload),
      PartNumber: number,
      Body: bytes,
      ContentLength: bytes.length,
      ChecksumCRC32: crc32Base64(crc32),
    });
    const { ETag } = await this.#s3.put(upload.key, () => this.#s3.client.send(command), true);
    return ETag === '' ? undefined : ETag;
  }

  async #sendComplete(upload: Upload, parts: readonly StoredPart[], commit: Commit): Promise<string | undefined> {
    const Parts = parts.map(
      (part): CompletedPart => ({
        PartNumber: part.number,
        ETag: part.etag,
        ChecksumCRC32: crc32Base64(part.crc32),
      }),
    );
    const command = new CompleteMultipartUploadCommand({
      ...this.#identify(upload),
      ...conditionParameters(commit.condition),
      MultipartUpload: { Parts },
      ChecksumCRC32: crc32Base64(commit.crc32),
      ChecksumType: 'FULL_OBJECT',
      MpuObjectSize: commit.bytes,
    });
    const { ETag } = await this.#s3.put(upload.key, () => this.#s3.client.send(command), true);
    return ETag;
  }

  /** S09: another attempt sent the same bytes again; under KMS an ETag is no digest, so it changed. */
  async #adoptEtags(upload: Upload, parts: readonly StoredPart[]): Promise<StoredPart[]> {
    const etags = new Map<string, string>();
    // The SDK's own paginator follows NextPartNumberMarker, which is there on the last page too, and never ends.
    for (let marker: string | undefined, isLast = false; !isLast; ) {
      const command = new ListPartsCommand({ ...this.#identify(upload), PartNumberMarker: marker });
      const page = await this.#s3.put(upload.key, () => this.#s3.client.send(command));
      for (const { PartNumber, Size, ChecksumCRC32, ETag } of page.Parts ?? []) {
        if (ETag) etags.set(`${PartNumber} ${Size} ${ChecksumCRC32}`, ETag);
      }
      marker = page.NextPartNumberMarker;
      isLast = page.IsTruncated !== true;
    }
    return parts.map((part) => {
      const etag = etags.get(`${part.number} ${part.bytes} ${crc32Base64(part.crc32)}`);
      if (etag !== undefined) return { ...part, etag };
      const uri = JSON.stringify(this.#s3.uriOf(upload.key));
      throw new SkyhaulError('ChecksumRefused', `${uri}: part ${part.number} in S3 is not the one that was sent.`);
    });
  }

  #identify(upload: Upload) {
    return { ...this.#s3.object(upload.key), UploadId: splitId(upload.id).uploadId };
  }

  #unavailable(key: string, what: string): SkyhaulError {
    return new SkyhaulError('StoreUnavailable', `${JSON.stringify(this.#s3.uriOf(key))}: ${what}.`);
  }
}

/** The token must be known wherever the upload is completed: it travels in the id, behind a sign S3 does not use. */
function joinId(uploadId: string, token: string): string {
  return `${uploadId}#${token}`;
}

/** Ids from a listing have no token: S3 does not list metadata. */
function splitId(id: string): { uploadId: string; token: string | undefined } {
  const [uploadId = '', token] = id.split('#');
  return { uploadId, token };
}

async function goneOr<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof SkyhaulError && error.name === 'UploadLost') return undefined;
    throw error;
  }
}

function isInvalidPart(error: unknown): boolean {
  return error instanceof SkyhaulError && error.cause instanceof Error && error.cause.name === 'InvalidPart';
}
