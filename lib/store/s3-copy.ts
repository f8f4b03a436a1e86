/**
 * Parts of open uploads whose bytes S3 takes from another object, as long as that is the version that was looked at
 * (UploadPartCopy). S3 takes the CRC32 of what it copied, as of any part: the commit of the upload proves the whole, and
 * carries the condition. A condition of CopyObject itself is silently ignored by servers that are older than it.
 */
import { UploadPartCopyCommand } from '@aws-sdk/client-s3';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { parseCrc32Base64 } from './crc32.ts';
import type { CopySource, StoredPart, Upload } from './object-store.ts';
import type { S3Bucket } from './s3-bucket.ts';

export async function copyPart(
  s3: S3Bucket,
  upload: Upload,
  number: number,
  { key, etag, from, bytes }: CopySource,
  signal: AbortSignal | undefined,
): Promise<StoredPart | undefined> {
  const { Bucket, Key } = s3.object(key);
  const command = new UploadPartCopyCommand({
    ...s3.upload(upload),
    PartNumber: number,
    CopySource: `${Bucket}/${Key.split('/').map(encodeURIComponent).join('/')}`,
    CopySourceIfMatch: etag,
    CopySourceRange: `bytes=${from}-${from + bytes - 1}`,
    ExpectedSourceBucketOwner: s3.bucket.ExpectedBucketOwner,
  });
  try {
    const { CopyPartResult } = await s3.put(upload.key, () => s3.client.send(command, { abortSignal: signal }));
    if (!CopyPartResult?.ETag) throw s3.unavailable(upload.key, `an answer without ETag to the copy of part ${number}`);
    const crc32 = parseCrc32Base64(CopyPartResult.ChecksumCRC32 ?? '');
    return crc32 === undefined ? undefined : { number, bytes, crc32, etag: CopyPartResult.ETag };
  } catch (error) {
    signal?.throwIfAborted();
    // The condition is on the source alone: 412, or 404 where nothing stands there any more.
    if (error instanceof SkyhaulError && error.name === 'CommitConflict') return undefined;
    throw error;
  }
}
