import { request } from 'node:http';
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { onTestFinished } from 'vitest';
import { crc32, crc32Base64 } from '../../lib/store/crc32.ts';
import { createS3Client, type S3ClientOptions } from '../../lib/store/s3-client.ts';
import { type MemoryS3Options, startMemoryS3 } from '../support/memory-s3.ts';
import { randomBytes } from '../support/store-bytes.ts';

export const Bucket = 'bucket';
/** Parts of tests are this small. */
export const LEAST = 1_000;
const UPLOAD = { Bucket, Key: 'k' };

export function clientOf(endpoint: string, options: S3ClientOptions = {}): S3Client {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = createS3Client({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1, ...options });
  onTestFinished(() => client.destroy());
  return client;
}

/** A memory S3 with one bucket, and a client that tries once. Both end with the test. */
export async function serve(options: MemoryS3Options = {}) {
  const s3 = await startMemoryS3({ buckets: [Bucket], minPartBytes: LEAST, ...options });
  onTestFinished(() => s3.close());
  return { s3, client: clientOf(s3.endpoint) };
}

/** An upload of `k` with parts of these sizes, not completed yet. */
export async function begin(client: S3Client, sizes: number[], input: Partial<CreateMultipartUploadCommandInput> = {}) {
  const full = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' } as const;
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ ...UPLOAD, ...full, ...input }));
  const pieces = sizes.map((size, index) => randomBytes(size, index));
  const Parts: CompletedPart[] = [];
  for (const [index, piece] of pieces.entries()) Parts.push(await send(client, UploadId, index + 1, piece));
  const whole = Buffer.concat(pieces);
  return {
    UploadId,
    Parts,
    pieces,
    whole,
    crc: crc32Base64(crc32(whole)),
    complete: (list: CompletedPart[] = Parts, more: Partial<CompleteMultipartUploadCommandInput> = {}) =>
      client.send(
        new CompleteMultipartUploadCommand({ ...UPLOAD, UploadId, MultipartUpload: { Parts: list }, ...more }),
      ),
  };
}

export async function send(client: S3Client, UploadId: string | undefined, PartNumber: number, Body: Uint8Array) {
  const ChecksumCRC32 = crc32Base64(crc32(Body));
  const { ETag } = await client.send(new UploadPartCommand({ ...UPLOAD, UploadId, PartNumber, Body, ChecksumCRC32 }));
  return { PartNumber, ETag, ChecksumCRC32 };
}

/** A PUT of exactly these bytes on the wire: status and error code. */
export function putRaw(url: string, headers: Record<string, string | number>, pieces: readonly (string | Buffer)[]) {
  return new Promise<{ status: number | undefined; code: string | undefined }>((resolve, reject) => {
    const outgoing = request(url, { method: 'PUT', headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode, code: /<Code>(.*?)<\/Code>/.exec(text)?.[1] }));
    });
    outgoing.on('error', reject);
    onTestFinished(() => {
      outgoing.destroy();
    });
    for (const piece of pieces) outgoing.write(piece);
    if (headers['x-test-open'] === undefined) outgoing.end();
  });
}
