import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { crc32Base64 } from '../../lib/store/crc32.ts';
import { type Check, check } from './checks.ts';

/** S3 must refuse to complete an upload whose bytes have another CRC32 than is claimed: all our commits rest on it. */
export async function checkWrongChecksum(s3: S3Client, Bucket: string): Promise<Check> {
  const object = { Bucket, Key: 'smoke-sources/wrong-crc32' };
  const algorithm = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...object, ...algorithm }));
  const upload = { ...object, UploadId };
  try {
    const { ETag } = await s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: Buffer.from('right') }));
    const complete = new CompleteMultipartUploadCommand({
      ...upload,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
      ChecksumCRC32: crc32Base64(0xdeadbeef),
      ChecksumType: 'FULL_OBJECT',
    });
    const answer = await s3.send(complete).then(
      () => 'accepted',
      (error: unknown) => (error instanceof Error ? error.name : String(error)),
    );
    return check('S3 refuses a wrong CRC32', answer, answer === 'BadDigest' ? [] : ['wanted BadDigest']);
  } finally {
    await s3.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
  }
}
