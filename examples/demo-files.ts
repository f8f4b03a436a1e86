import { createCipheriv, createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

/**
 * The files of the demo, made while they are served: any range of any of them is the same bytes every time, and nothing
 * large lies in the repository.
 */
export interface DemoFile {
  readonly bytes: number;
  readonly contentType: string;
  /** A strong ETag, or none for a source that says nothing about its version. */
  readonly etag: string | undefined;
  /** The bytes from `start` up to, but not including, `end`. */
  read(start: number, end: number): Iterable<Uint8Array>;
}

const MiB = 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
const AES_BLOCK_BYTES = 16;

export const demoFiles: Readonly<Record<string, DemoFile>> = {
  '/big.bin': noise('big', 200 * MiB),
  '/medium.bin': noise('medium', 60 * MiB),
  '/stream.bin': { ...noise('stream', 30 * MiB), etag: undefined },
  '/shaky.bin': noise('shaky', 20 * MiB),
  '/stations.csv': document('text/csv', table()),
  '/stations.csv.gz': document('application/gzip', gzipSync(table())),
  '/events.jsonl': document('application/x-ndjson', events()),
  '/empty.txt': document('text/plain', Buffer.alloc(0)),
};

/** Bytes that no compression makes smaller: the key stream of AES in counter mode, which can begin anywhere. */
function noise(name: string, bytes: number): DemoFile {
  const key = createHash('sha256').update(name).digest();
  return {
    bytes,
    contentType: 'application/octet-stream',
    etag: `"${key.toString('hex', 0, 8)}-${bytes}"`,
    *read(start, end) {
      const counter = Buffer.alloc(AES_BLOCK_BYTES);
      counter.writeBigUInt64BE(BigInt(Math.floor(start / AES_BLOCK_BYTES)), 8);
      const cipher = createCipheriv('aes-256-ctr', key, counter);
      cipher.update(Buffer.alloc(start % AES_BLOCK_BYTES));
      for (let at = start; at < end; at += CHUNK_BYTES) {
        yield cipher.update(Buffer.alloc(Math.min(CHUNK_BYTES, end - at)));
      }
    },
  };
}

function document(contentType: string, content: Buffer): DemoFile {
  const digest = createHash('sha256').update(content).digest('hex');
  return {
    bytes: content.byteLength,
    contentType,
    etag: `"${digest.slice(0, 16)}"`,
    *read(start, end) {
      if (end > start) yield content.subarray(start, end);
    },
  };
}

function table(): Buffer {
  const rows = Array.from({ length: 20_000 }, (_, i) => `${i + 1},station ${i + 1},${(i * 7) % 90},${(i * 13) % 180}`);
  return Buffer.from(['id,name,latitude,longitude', ...rows, ''].join('\n'));
}

function events(): Buffer {
  const lines = Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ id: i + 1, kind: i % 3 ? 'read' : 'write' }));
  return Buffer.from(`${lines.join('\n')}\n`);
}
