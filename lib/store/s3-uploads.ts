/**
 * Multipart uploads in S3. The commit carries the full object's CRC32, its size and a condition: S3 itself proves that
 * the parts join to what was read.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
} from '@aws-sdk/client-s3';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { crc32Base64 } from './crc32.ts';
import type { Commit, ObjectOptions, StoredObject, StoredPart, Upload } from './object-store.ts';
import { conditionParameters, objectParameters, type S3Bucket, withoutToken } from './s3-bucket.ts';
import { commitOnce } from './s3-commit.ts';
import type { StreamPatience } from './s3-part-body.ts';
import { listParts, streamPart, uploadPart } from './s3-parts.ts';
import { joinUploadId, splitUploadId } from './upload-id.ts';

/** S16: parts in flight may outlive an abort. About 25 s of looking again in all. */
const ABORT_TRIES = 9;

export class S3Uploads {
  readonly #s3: S3Bucket;
  readonly #patience: StreamPatience;
  /** Buffers of streamed parts that nobody uses: three for each that was sent at the same time as others. */
  readonly #free: Buffer[] = [];

  constructor(s3: S3Bucket, patience: StreamPatience) {
    this.#s3 = s3;
    this.#patience = patience;
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
    if (!UploadId) throw this.#s3.unavailable(key, 'an answer without upload id');
    return { key, id: joinUploadId(UploadId, token) };
  }

  uploadPart(upload: Upload, number: number, bytes: Uint8Array, crc32: number, signal?: AbortSignal) {
    return uploadPart(this.#s3, upload, number, bytes, crc32, signal);
  }

  streamPart(upload: Upload, number: number, bytes: number, body: AsyncIterable<Uint8Array>, signal?: AbortSignal) {
    return streamPart(this.#s3, upload, number, bytes, body, signal, this.#patience, this.#free);
  }

  listParts(upload: Upload): Promise<StoredPart[]> {
    return listParts(this.#s3, upload);
  }

  async complete(upload: Upload, parts: readonly StoredPart[], commit: Commit): Promise<StoredObject> {
    const { key } = upload;
    const expected = { key, bytes: commit.bytes, crc32: commit.crc32, token: splitUploadId(upload.id).token };
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
      const abort = new AbortMultipartUploadCommand(this.#s3.upload(upload));
      const aborted = await goneOr(this.#s3.remove(key, () => this.#s3.client.send(abort)));
      if (aborted === undefined) return;
      const list = new ListPartsCommand({ ...this.#s3.upload(upload), MaxParts: 1 });
      const listed = await goneOr(this.#s3.put(key, () => this.#s3.client.send(list)));
      if (listed === undefined) return;
    }
    throw this.#s3.unavailable(key, 'an upload that is still there after it was aborted');
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
      ...this.#s3.upload(upload),
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
    const inS3 = new Map((await this.listParts(upload)).map((part) => [part.number, part]));
    return parts.map((part) => {
      const found = inS3.get(part.number);
      if (found?.bytes === part.bytes && found.crc32 === part.crc32) return found;
      const uri = JSON.stringify(this.#s3.uriOf(upload.key));
      throw new SkyhaulError('ChecksumRefused', `${uri}: part ${part.number} in S3 is not the one that was sent.`);
    });
  }
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
