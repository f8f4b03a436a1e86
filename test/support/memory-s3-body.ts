/**
 * Takes in the body of a request: decoded, counted, with its CRC32, checked against every checksum the request brings.
 * Bytes are kept only where asked. A body that S3 would refuse is read to its end first, so that the answer arrives.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { crc32 as nativeCrc32 } from 'node:zlib';
import { crc32Base64 } from '../../lib/store/crc32.ts';
import { ChunkedReader } from './memory-s3-chunked.ts';
import { badDigest, invalidRequest, S3Problem } from './memory-s3-problem.ts';

export interface Received {
  readonly bytes: number;
  readonly crc32: number;
  /** The request brought a CRC32, and it is that of the bytes. */
  readonly isChecked: boolean;
  /** Hex; of kept bytes only, since it costs more than all the rest. */
  readonly md5: string | undefined;
  readonly pieces: readonly Buffer[] | undefined;
  /** Why S3 refuses these bytes. */
  readonly problem: S3Problem | undefined;
}

export interface ReceiveOptions {
  readonly keep: boolean;
  /** False where checksum headers are about something else than this body, as at Complete. */
  readonly check: boolean;
  /** Milliseconds to wait before the next bytes are read. */
  readonly pace: (bytes: number) => number;
  /** S04: so long without a byte is RequestTimeout. */
  readonly idleTimeoutMs: number;
  /** Resolves when so many have come. */
  readonly limitBytes?: number | undefined;
}

const CRC = 'x-amz-checksum-crc32';
/** Headers that begin like a checksum and are none. */
const NO_CHECKSUM = ['x-amz-checksum-type', 'x-amz-checksum-algorithm', 'x-amz-checksum-mode', CRC];

/** Rejects when the connection ends before the body does. */
export function receiveBody(request: IncomingMessage, options: ReceiveOptions): Promise<Received> {
  const headers = options.check ? request.headers : {};
  const { keep, pace, idleTimeoutMs, limitBytes = Number.POSITIVE_INFINITY } = options;
  const pieces: Buffer[] = [];
  const md5 = keep ? createHash('md5') : undefined;
  let bytes = 0;
  let crc = 0;
  let problem = findUnsupported(headers);
  const take = (piece: Buffer) => {
    bytes += piece.length;
    crc = nativeCrc32(piece, crc);
    if (!keep) return;
    md5?.update(piece);
    pieces.push(piece);
  };
  const chunked = isAwsChunked(headers) ? new ChunkedReader(take) : undefined;
  const attempt = (step: () => void) => {
    if (problem !== undefined) return;
    try {
      step();
    } catch (error) {
      if (!(error instanceof S3Problem)) throw error;
      problem = error;
    }
  };

  return new Promise((resolve, reject) => {
    let wireBytes = 0;
    const finish = () => {
      idle?.close();
      attempt(() => chunked?.end());
      attempt(() => checkBody(headers, { bytes, crc }, chunked?.trailers));
      const isChecked = problem === undefined && claimedCrc(headers, chunked?.trailers) !== undefined;
      resolve({ bytes, crc32: crc, isChecked, md5: md5?.digest('hex'), pieces: keep ? pieces : undefined, problem });
    };
    const idle = Number.isFinite(idleTimeoutMs)
      ? setTimeout(() => {
          problem = new S3Problem(400, 'RequestTimeout', 'Your socket connection to the server was idle.');
          request.pause();
          finish();
        }, idleTimeoutMs)
      : undefined;
    request.on('data', (chunk: Buffer) => {
      idle?.refresh();
      wireBytes += chunk.length;
      attempt(() => (chunked === undefined ? take(chunk) : chunked.write(chunk)));
      if (wireBytes >= limitBytes) {
        request.pause();
        return finish();
      }
      const waitMs = pace(chunk.length);
      if (waitMs < 1) return;
      request.pause();
      setTimeout(() => {
        // It was this side that rested.
        idle?.refresh();
        request.resume();
      }, waitMs);
    });
    request.once('end', finish);
    request.once('error', reject);
    request.once('close', () => {
      idle?.close();
      reject(new Error('the connection ended before the body'));
    });
  });
}

function checkBody(
  headers: IncomingHttpHeaders,
  { bytes, crc }: { bytes: number; crc: number },
  trailers: ReadonlyMap<string, string> | undefined,
): void {
  const decoded = headers['x-amz-decoded-content-length'];
  if (trailers !== undefined && Number(decoded) !== bytes) {
    throw new S3Problem(400, 'IncompleteBody', 'The decoded body is not of x-amz-decoded-content-length bytes.');
  }
  const promised = String(headers['x-amz-trailer'] ?? '').toLowerCase();
  if (promised !== '' && !trailers?.has(promised)) {
    throw new S3Problem(400, 'MalformedTrailerError', `No trailer ${promised}.`);
  }
  const claimed = claimedCrc(headers, trailers);
  if (claimed === undefined) return;
  if (!/^[A-Za-z0-9+/]{6}==$/.test(claimed)) throw invalidRequest(`Value for ${CRC} header is invalid.`);
  if (claimed !== crc32Base64(crc)) throw badDigest();
}

function claimedCrc(headers: IncomingHttpHeaders, trailers: ReadonlyMap<string, string> | undefined) {
  return headers[CRC]?.toString() ?? trailers?.get(CRC);
}

function isAwsChunked(headers: IncomingHttpHeaders): boolean {
  return String(headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-');
}

/** What cannot be checked here is refused, not believed. */
function findUnsupported(headers: IncomingHttpHeaders): S3Problem | undefined {
  const trailer = String(headers['x-amz-trailer'] ?? CRC).toLowerCase();
  const name =
    Object.keys(headers).find((header) => header.startsWith('x-amz-checksum-') && !NO_CHECKSUM.includes(header)) ??
    (headers['content-md5'] === undefined ? undefined : 'content-md5') ??
    (trailer === CRC ? undefined : trailer);
  if (name !== undefined) return new S3Problem(501, 'NotImplemented', `The memory S3 does not check ${name}.`);
  // "A header you provided implies functionality that is not implemented": a plain body needs its length.
  if (headers['transfer-encoding'] !== undefined && !isAwsChunked(headers)) {
    return new S3Problem(501, 'NotImplemented', 'Transfer-Encoding');
  }
  return undefined;
}
