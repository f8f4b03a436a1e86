/** The memory S3's UploadPartCopy: a part whose bytes are those of an object, under a condition on that object. */
import { createHash } from 'node:crypto';
import { crc32 as crc32Of } from 'node:zlib';
import { crc32Base64 } from '../../lib/store/crc32.ts';
import type { Ask } from './memory-s3-objects.ts';
import { invalidRequest, noSuchKey, S3Problem } from './memory-s3-problem.ts';
import { etagOf, type MemoryObject, unquote } from './memory-s3-state.ts';
import { findUpload } from './memory-s3-uploads.ts';
import { writeXml } from './memory-s3-xml.ts';
import type { Answer } from './store-faults-call.ts';

/** S3 API reference, UploadPartCopy: ranges are copied of larger objects only. */
const LEAST_RANGED_BYTES = 5 * 1024 * 1024;

export function copyPart(ask: Ask): Answer {
  const { bucket, call, headers, rules } = ask;
  const upload = findUpload(ask);
  const source = bucket.objects.get(sourceKey(bucket.name, headers['x-amz-copy-source']));
  if (source === undefined) throw noSuchKey();
  const match = headers['x-amz-copy-source-if-match'];
  if (match !== undefined && unquote(String(match)) !== source.etag) {
    throw new S3Problem(412, 'PreconditionFailed', 'At least one of the pre-conditions did not hold.');
  }
  const bytes = bytesOf(source, headers['x-amz-copy-source-range']);
  const crc32 = crc32Of(bytes);
  const number = call.part ?? 0;
  const md5 = createHash('md5').update(bytes).digest('hex');
  const received = { bytes: bytes.length, crc32, isChecked: true, md5, pieces: [bytes], problem: undefined };
  const etag = etagOf(rules, received);
  upload.parts.set(number, { number, bytes: bytes.length, crc32, etag, pieces: [bytes], modifiedAt: Date.now() });
  const body = writeXml('CopyPartResult', {
    ETag: `"${etag}"`,
    LastModified: new Date().toISOString(),
    ChecksumCRC32: upload.checksumType === undefined ? undefined : crc32Base64(crc32),
  });
  return { status: 200, headers: { 'content-type': 'application/xml' }, body };
}

function sourceKey(bucket: string, header: string | string[] | undefined): string {
  const [, from, key = ''] = /^\/?([^/]+)\/(.+)$/.exec(decodeURIComponent(String(header))) ?? [];
  if (from !== bucket) throw new S3Problem(501, 'NotImplemented', 'The source stands in another bucket.');
  return key;
}

function bytesOf(source: MemoryObject, header: string | string[] | undefined): Buffer {
  if (source.pieces === undefined) throw new S3Problem(501, 'NotImplemented', 'These bytes were thrown away.');
  const whole = Buffer.concat(source.pieces);
  if (header === undefined) return whole;
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d+)$/.exec(String(header)) ?? [];
  const isInside = first !== '' && Number(first) <= Number(last) && Number(last) < whole.length;
  if (!isInside) throw new S3Problem(400, 'InvalidArgument', 'The range specified is not valid for the source object.');
  if (whole.length <= LEAST_RANGED_BYTES) throw invalidRequest('A range of a source of no more than 5 MB.');
  return whole.subarray(Number(first), Number(last) + 1);
}
