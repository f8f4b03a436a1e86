/** CompleteMultipartUpload: everything S3 checks before an object becomes visible, in one step. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32 as nativeCrc32 } from 'node:zlib';
import { combineCrc32, crc32Base64 } from '../../lib/store/crc32.ts';
import type { Ask } from './memory-s3-objects.ts';
import { badDigest, invalidRequest, S3Problem } from './memory-s3-problem.ts';
import { checkCondition, isConditional, type MemoryPart, type MemoryUpload, unquote } from './memory-s3-state.ts';
import { findUpload } from './memory-s3-uploads.ts';
import { type NamedPart, readPartList, writeXml } from './memory-s3-xml.ts';
import type { Answer } from './store-faults-call.ts';

export function completeUpload(ask: Ask): Answer {
  const { bucket, call, headers, body, rules } = ask;
  const before = bucket.completed.get(call.query.get('uploadId') ?? '');
  if (before !== undefined) return before;
  const upload = findUpload(ask);
  const parts = chooseParts(upload, Buffer.concat(body.pieces ?? []).toString(), rules.minPartBytes);
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  const size = headers['x-amz-mp-object-size'];
  if (size !== undefined && Number(size) !== bytes) {
    throw invalidRequest(`The provided x-amz-mp-object-size header value ${String(size)} is not ${bytes}.`);
  }
  const pieces = joinPieces(parts);
  const crc32 = crcOf(parts, pieces);
  const checksum = checksumOf(upload, parts, crc32);
  checkClaims(headers, checksum);
  const standing = bucket.objects.get(call.key);
  if (rules.conflicts && isConditional(headers) && standing?.sequence !== upload.stood) {
    throw new S3Problem(409, 'ConditionalRequestConflict', 'The object changed since the upload was created.');
  }
  checkCondition(headers, standing);

  const digests = Buffer.from(parts.map(({ etag }) => etag).join(''), 'hex');
  const etag = `${createHash('md5').update(digests).digest('hex')}-${parts.length}`;
  bucket.uploads.delete(upload.id);
  bucket.commit({ key: call.key, bytes, crc32, etag, checksum, headers: upload.headers, pieces });
  const xml = writeXml('CompleteMultipartUploadResult', {
    Location: `http://s3/${bucket.name}/${call.key}`,
    Bucket: bucket.name,
    Key: call.key,
    ETag: `"${etag}"`,
    ChecksumCRC32: checksum?.crc32,
    ChecksumType: checksum?.type,
  });
  const answer = { status: 200, headers: { 'content-type': 'application/xml' }, body: xml };
  if (!rules.forgetsCompleted) bucket.completed.set(upload.id, answer);
  return answer;
}

function chooseParts(upload: MemoryUpload, xml: string, minPartBytes: number): MemoryPart[] {
  const named = readPartList(xml);
  if (named === undefined) throw new S3Problem(400, 'MalformedXML', 'The XML you provided was not well-formed.');
  const isChecked = upload.checksumType !== undefined;
  named.forEach(({ number, crc32 }, index) => {
    const isInOrder = number > (named[index - 1]?.number ?? 0);
    // With checksums, numbers start at 1 and have no gaps (API reference, CompletedPart).
    if (!isInOrder || (isChecked && number !== index + 1)) {
      throw new S3Problem(400, 'InvalidPartOrder', 'The list of parts was not in ascending order without gaps.');
    }
    if (upload.checksumType === 'COMPOSITE' && crc32 === undefined) {
      throw invalidRequest(`The checksum of part ${number} is missing.`);
    }
  });
  const parts = named.map((one) => findPart(upload, one));
  for (const { bytes, number } of parts.slice(0, -1)) {
    if (bytes < minPartBytes) throw new S3Problem(400, 'EntityTooSmall', `Part ${number} is smaller than the minimum.`);
  }
  return parts;
}

function findPart(upload: MemoryUpload, { number, etag, crc32 }: NamedPart): MemoryPart {
  const part = upload.parts.get(number);
  const isSame = part?.etag === unquote(etag) && (crc32 === undefined || crc32 === crc32Base64(part.crc32));
  if (part === undefined || !isSame) {
    throw new S3Problem(400, 'InvalidPart', `Part ${number} was not uploaded, or is not the one named.`);
  }
  return part;
}

function joinPieces(parts: readonly MemoryPart[]): Buffer[] | undefined {
  const all: Buffer[] = [];
  for (const { pieces } of parts) {
    if (pieces === undefined) return undefined;
    all.push(...pieces);
  }
  return all;
}

/** Over the bytes where they are kept: independent of the combination that the product computes. */
function crcOf(parts: readonly MemoryPart[], pieces: readonly Buffer[] | undefined): number {
  if (pieces !== undefined) return pieces.reduce((crc, piece) => nativeCrc32(piece, crc), 0);
  return parts.reduce((crc, part) => combineCrc32(crc, part.crc32, part.bytes), 0);
}

function checksumOf({ checksumType }: MemoryUpload, parts: readonly MemoryPart[], crc32: number) {
  if (checksumType === undefined) return undefined;
  if (checksumType === 'FULL_OBJECT') return { crc32: crc32Base64(crc32), type: checksumType };
  const checksums = Buffer.concat(parts.map((part) => Buffer.from(crc32Base64(part.crc32), 'base64')));
  return { crc32: `${crc32Base64(nativeCrc32(checksums))}-${parts.length}`, type: checksumType };
}

function checkClaims(headers: IncomingHttpHeaders, checksum: ReturnType<typeof checksumOf>): void {
  const type = headers['x-amz-checksum-type'];
  const claimed = headers['x-amz-checksum-crc32'];
  if (type !== undefined && type !== checksum?.type) {
    throw invalidRequest('The checksum type is not that of CreateMultipartUpload.');
  }
  if (claimed === undefined) return;
  if (checksum === undefined) throw invalidRequest('The upload was created without a checksum.');
  if (claimed !== checksum.crc32) throw badDigest();
}
