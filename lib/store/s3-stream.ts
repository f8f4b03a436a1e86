/**
 * Our own streams of unknown length (report, failed list) through lib-storage. Never the bytes of a source: it buffers,
 * cannot resume, and takes a body that ended early for a whole one.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { Upload as StreamUpload } from '@aws-sdk/lib-storage';
import { coalesce } from './coalesce.ts';
import { crc32 as crc32Of } from './crc32.ts';
import type { PutOptions } from './object-store.ts';
import { conditionParameters, objectParameters, type S3Bucket } from './s3-bucket.ts';
import { commitOnce } from './s3-commit.ts';

const PIECE_BYTES = 256 * 1024;

/** Resolves when the object stands; rejects, also with the body's own error, when nothing is left of it. */
export async function putStreamToS3(
  s3: S3Bucket,
  key: string,
  body: AsyncIterable<Uint8Array>,
  options: PutOptions,
  partBytes: number,
): Promise<void> {
  const token = options.condition.kind === 'any' ? undefined : randomUUID();
  const sent = { key, bytes: 0, crc32: 0, token };
  let bodyFailure: { readonly error: unknown } | undefined;
  async function* read() {
    try {
      for await (const piece of coalesce(body, PIECE_BYTES)) {
        sent.crc32 = crc32Of(piece, sent.crc32);
        sent.bytes += piece.length;
        yield piece;
      }
    } catch (error) {
      bodyFailure = { error };
      throw error;
    }
  }
  const upload = new StreamUpload({
    client: s3.client,
    params: {
      ...s3.object(key),
      ...objectParameters(options, token),
      ...conditionParameters(options.condition),
      Body: Readable.from(read(), { objectMode: false }),
      ChecksumAlgorithm: 'CRC32',
      ChecksumType: 'FULL_OBJECT',
    },
    partSize: partBytes,
    queueSize: 2,
  });
  await commitOnce(s3, sent, async () => {
    try {
      // It waits for its abort before it rejects (the pinned version does; a test holds it to that).
      const { ETag } = await s3.put(key, () => upload.done(), true);
      return ETag;
    } catch (error) {
      throw bodyFailure === undefined ? error : bodyFailure.error;
    } finally {
      const parts = Math.ceil(sent.bytes / partBytes);
      // Beside the one counted: a request per part, and the completion.
      if (parts > 1) s3.requests.put += parts + 1;
    }
  });
}
