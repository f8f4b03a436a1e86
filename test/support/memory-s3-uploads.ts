/** The memory S3's calls about multipart uploads, but for their end. */
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { MAX_PARTS } from '../../lib/contract/limits.ts';
import { crc32Base64 } from '../../lib/store/crc32.ts';
import { type Ask, pageSize } from './memory-s3-objects.ts';
import { invalidRequest, noSuchUpload, S3Problem } from './memory-s3-problem.ts';
import { type ChecksumType, describingHeaders, etagOf, inByteOrder, type MemoryUpload } from './memory-s3-state.ts';
import { writeXml } from './memory-s3-xml.ts';
import type { Answer } from './store-faults-call.ts';

const XML = { 'content-type': 'application/xml' };

export function createUpload({ bucket, call, headers }: Ask): Answer {
  const upload: MemoryUpload = {
    id: randomBytes(24).toString('base64url'),
    key: call.key,
    headers: describingHeaders(headers),
    checksumType: readChecksumType(headers),
    parts: new Map(),
    initiatedAt: Date.now(),
    initiator: initiatorOf(headers),
    stood: bucket.objects.get(call.key)?.sequence,
  };
  bucket.uploads.set(upload.id, upload);
  const body = writeXml('InitiateMultipartUploadResult', { Bucket: bucket.name, Key: call.key, UploadId: upload.id });
  return { status: 200, headers: XML, body };
}

export function findUpload({ bucket, call }: Ask): MemoryUpload {
  const upload = bucket.uploads.get(call.query.get('uploadId') ?? '');
  if (upload === undefined || upload.key !== call.key) throw noSuchUpload();
  return upload;
}

export function uploadPart(ask: Ask): Answer {
  const { call, body, rules } = ask;
  const upload = findUpload(ask);
  const number = call.part ?? 0;
  if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS) {
    throw new S3Problem(400, 'InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive');
  }
  // S3 may take it and compute its own; LocalStack and MinIO refuse it, and we always send one.
  if (upload.checksumType !== undefined && !body.isChecked) throw invalidRequest('A part without its checksum.');
  const { bytes, crc32, pieces } = body;
  const etag = etagOf(rules, body);
  upload.parts.set(number, { number, bytes, crc32, etag, pieces, modifiedAt: Date.now() });
  const checksum = body.isChecked ? { 'x-amz-checksum-crc32': crc32Base64(crc32) } : {};
  return { status: 200, headers: { etag: `"${etag}"`, ...checksum }, body: Buffer.alloc(0) };
}

export function listParts(ask: Ask): Answer {
  const { bucket, call } = ask;
  const upload = findUpload(ask);
  const after = Number(call.query.get('part-number-marker') ?? 0);
  const limit = pageSize(call.query.get('max-parts'));
  const left = [...upload.parts.values()]
    .filter(({ number }) => number > after)
    .sort((one, other) => one.number - other.number);
  const page = left.slice(0, limit);
  const isChecked = upload.checksumType !== undefined;
  const body = writeXml('ListPartsResult', {
    Bucket: bucket.name,
    Key: call.key,
    UploadId: upload.id,
    Initiator: { ID: upload.initiator, DisplayName: upload.initiator },
    StorageClass: 'STANDARD',
    PartNumberMarker: after,
    // S3 tells it on the last page too.
    NextPartNumberMarker: page.at(-1)?.number ?? 0,
    MaxParts: limit,
    IsTruncated: left.length > page.length,
    ChecksumAlgorithm: isChecked ? 'CRC32' : undefined,
    ChecksumType: upload.checksumType,
    Part: page.map(({ number, bytes, crc32, etag, modifiedAt }) => ({
      PartNumber: number,
      LastModified: new Date(modifiedAt).toISOString(),
      ETag: `"${etag}"`,
      Size: bytes,
      ChecksumCRC32: isChecked ? crc32Base64(crc32) : undefined,
    })),
  });
  return { status: 200, headers: XML, body };
}

export function abortUpload(ask: Ask): Answer {
  ask.bucket.uploads.delete(findUpload(ask).id);
  return { status: 204, headers: {}, body: Buffer.alloc(0) };
}

/** By key, and below a key by the time they began. */
export function listUploads({ bucket, call: { query } }: Ask): Answer {
  const prefix = query.get('prefix') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker') ?? '';
  const limit = pageSize(query.get('max-uploads'));
  const all = [...bucket.uploads.values()]
    .filter(({ key }) => key.startsWith(prefix))
    .sort((one, other) => inByteOrder(one.key, other.key));
  const marked = all.findIndex(({ id, key }) => id === idMarker && key === keyMarker);
  // Without an id, or with one that is gone, the marker is the whole key.
  const isBehind = ({ key }: MemoryUpload) => keyMarker === '' || inByteOrder(key, keyMarker) > 0;
  const left = marked === -1 ? all.filter(isBehind) : all.slice(marked + 1);
  const page = left.slice(0, limit);
  const isTruncated = left.length > page.length;
  const body = writeXml('ListMultipartUploadsResult', {
    Bucket: bucket.name,
    KeyMarker: keyMarker,
    UploadIdMarker: idMarker,
    NextKeyMarker: isTruncated ? page.at(-1)?.key : undefined,
    NextUploadIdMarker: isTruncated ? page.at(-1)?.id : undefined,
    Prefix: prefix,
    MaxUploads: limit,
    IsTruncated: isTruncated,
    Upload: page.map(({ key, id, initiator, initiatedAt }) => ({
      Key: key,
      UploadId: id,
      Initiator: { ID: initiator, DisplayName: initiator },
      StorageClass: 'STANDARD',
      Initiated: new Date(initiatedAt).toISOString(),
    })),
  });
  return { status: 200, headers: XML, body };
}

function readChecksumType(headers: IncomingHttpHeaders): ChecksumType | undefined {
  const algorithm = headers['x-amz-checksum-algorithm'];
  const type = headers['x-amz-checksum-type'];
  if (algorithm === undefined) {
    if (type !== undefined) throw invalidRequest('A checksum type needs a checksum algorithm.');
    return undefined;
  }
  if (String(algorithm).toUpperCase() !== 'CRC32') throw new S3Problem(501, 'NotImplemented', String(algorithm));
  if (type === undefined || type === 'COMPOSITE') return 'COMPOSITE';
  if (type === 'FULL_OBJECT') return 'FULL_OBJECT';
  throw invalidRequest('Value for x-amz-checksum-type header is invalid.');
}

/** An assumed role of the name of the access key, so that two clients are two roles. */
function initiatorOf({ authorization = '' }: IncomingHttpHeaders): string {
  const [, accessKey = 'anonymous'] = /Credential=([^/]+)\//.exec(authorization) ?? [];
  return `arn:aws:sts::000000000000:assumed-role/${accessKey}/session`;
}
