/**
 * The parts of open uploads in S3. Each carries its CRC32, in a header when it is in memory, behind the body when it is
 * streamed: S3 keeps no part that differs from what was received here.
 */
import { ListPartsCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { chunkedHeaders, chunkedLength } from './aws-chunked.ts';
import { checkReceived } from './check-commit.ts';
import { crc32Base64, parseCrc32Base64 } from './crc32.ts';
import type { StoredPart, Upload } from './object-store.ts';
import { readExactly } from './read-exactly.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { isBrokenConnection } from './s3-errors.ts';
import { PartBody, type StreamPatience } from './s3-part-body.ts';

/** S07, S08: sent a second time from memory when the answer has no ETag or S3 received other bytes. */
export async function uploadPart(
  s3: S3Bucket,
  upload: Upload,
  number: number,
  bytes: Uint8Array,
  crc32: number,
  signal: AbortSignal | undefined,
): Promise<StoredPart> {
  const send = async () => {
    const command = new UploadPartCommand({
      ...s3.upload(upload),
      PartNumber: number,
      Body: bytes,
      ContentLength: bytes.length,
      ChecksumCRC32: crc32Base64(crc32),
    });
    const { ETag } = await s3.put(upload.key, () => s3.client.send(command, { abortSignal: signal }), true);
    return ETag === '' ? undefined : ETag;
  };
  try {
    const etag =
      (await send().catch((error: unknown) => {
        if (error instanceof SkyhaulError && error.name === 'ChecksumRefused') return undefined;
        throw error;
      })) ?? (await send());
    if (etag === undefined) throw s3.unavailable(upload.key, `an answer without ETag to part ${number}`);
    return { number, bytes: bytes.length, crc32, etag };
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** In one try. Rejects as soon as the signal, the body or S3 ends it; the request is dead by then. */
export async function streamPart(
  s3: S3Bucket,
  upload: Upload,
  number: number,
  bytes: number,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  patience: StreamPatience,
  free: Buffer[],
): Promise<StoredPart> {
  const what = `${JSON.stringify(s3.uriOf(upload.key))}, part ${number}`;
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted === true) onAbort();
  const body = new PartBody(
    { body: readExactly(source, bytes, what, stop.signal), bytes, what, stop: (error) => stop.abort(error) },
    patience,
    free,
  );
  try {
    const command = streamCommand(s3, upload, number, bytes, body);
    const send = () => s3.client.send(command, { abortSignal: stop.signal, requestTimeout: 0 });
    const { ETag, ChecksumCRC32 } = await s3.put(upload.key, send, true);
    if (!body.isWhole) throw s3.unavailable(upload.key, `an answer before the end of part ${number}`);
    if (!ETag) throw s3.unavailable(upload.key, `an answer without ETag to part ${number}`);
    checkReceived(upload.key, parseCrc32Base64(ChecksumCRC32 ?? '') ?? body.crc32, body.crc32);
    return { number, bytes, crc32: body.crc32, etag: ETag };
  } catch (error) {
    const isOurs = stop.signal.aborted;
    // Also a request that was answered before its end, which would wait for the rest of its body for ever.
    stop.abort(error);
    // The first reason says more than that the request was stopped.
    throw isOurs ? stop.signal.reason : await explain(s3, upload, error, signal);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await body.end();
  }
}

/**
 * S3 refuses a body before it has read it, and then closes: often the broken connection is seen, the answer is not. What
 * it has against the upload it says again to a request without a body.
 */
async function explain(s3: S3Bucket, upload: Upload, error: unknown, signal: AbortSignal | undefined) {
  if (!(error instanceof SkyhaulError) || !isBrokenConnection(error.cause)) return error;
  const command = new ListPartsCommand({ ...s3.upload(upload), MaxParts: 1 });
  return s3
    .put(upload.key, () => s3.client.send(command, { abortSignal: signal }))
    .then(
      () => error,
      (reason: unknown) => (signal?.aborted === true ? signal.reason : reason),
    );
}

function streamCommand(s3: S3Bucket, upload: Upload, number: number, bytes: number, body: PartBody): UploadPartCommand {
  const command = new UploadPartCommand({
    ...s3.upload(upload),
    PartNumber: number,
    Body: body,
    ContentLength: chunkedLength(bytes),
  });
  command.middlewareStack.add(
    (next) => (args) => {
      const { request } = args;
      if (typeof request === 'object' && request !== null && 'headers' in request) {
        Object.assign(request.headers ?? {}, chunkedHeaders(bytes));
      }
      return next(args);
    },
    { step: 'build', name: 'frameStreamedPart' },
  );
  return command;
}

/** By number. Parts without a CRC32 of their own are left out: nothing proves what they are. */
export async function listParts(s3: S3Bucket, upload: Upload): Promise<StoredPart[]> {
  const parts: StoredPart[] = [];
  // The SDK's own paginator follows NextPartNumberMarker, which may be there on the last page too, and never ends.
  for (let marker: string | undefined, isLast = false; !isLast; ) {
    const command = new ListPartsCommand({ ...s3.upload(upload), PartNumberMarker: marker });
    const page = await s3.put(upload.key, () => s3.client.send(command));
    for (const { PartNumber, Size, ChecksumCRC32, ETag } of page.Parts ?? []) {
      const crc32 = parseCrc32Base64(ChecksumCRC32 ?? '');
      if (PartNumber === undefined || Size === undefined || crc32 === undefined || !ETag) continue;
      parts.push({ number: PartNumber, bytes: Size, crc32, etag: ETag });
    }
    const isStuck = page.NextPartNumberMarker === undefined || page.NextPartNumberMarker === marker;
    if (page.IsTruncated === true && isStuck) throw s3.unavailable(upload.key, 'a list of parts without an end');
    marker = page.NextPartNumberMarker;
    isLast = page.IsTruncated !== true;
  }
  return parts.sort((one, other) => one.number - other.number);
}
