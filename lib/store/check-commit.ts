/** What every store demands of a commit before anything becomes visible. Pure; throws ChecksumRefused. */
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { combineCrc32, crc32Hex } from './crc32.ts';
import { showKey } from './key-rules.ts';
import type { Commit, StoredPart, StoreLimits } from './object-store.ts';

export function checkCommit(key: string, parts: readonly StoredPart[], commit: Commit, limits: StoreLimits): void {
  const refuse = (why: string) => new SkyhaulError('ChecksumRefused', `${showKey(key)} was not committed: ${why}`);
  if (parts.length === 0 || parts.length > limits.maxParts) {
    throw refuse(`an upload has 1 to ${limits.maxParts} parts, found ${parts.length}.`);
  }
  let bytes = 0;
  let crc32 = 0;
  for (const [index, part] of parts.entries()) {
    if (part.number !== index + 1) throw refuse(`part ${index + 1} is missing or out of order.`);
    if (part.bytes > limits.maxPartBytes)
      throw refuse(`part ${part.number} has more than ${limits.maxPartBytes} bytes.`);
    if (index < parts.length - 1 && part.bytes < limits.minPartBytes) {
      throw refuse(
        `part ${part.number} has ${part.bytes} bytes, only the last may have less than ${limits.minPartBytes}.`,
      );
    }
    bytes += part.bytes;
    crc32 = combineCrc32(crc32, part.crc32, part.bytes);
  }
  if (bytes !== commit.bytes) throw refuse(`wanted ${commit.bytes} bytes, found ${bytes}.`);
  if (crc32 !== commit.crc32) throw refuse(`wanted CRC32 ${crc32Hex(commit.crc32)}, found ${crc32Hex(crc32)}.`);
}

/** Throws ChecksumRefused when bytes are not those the caller computed the CRC32 of. */
export function checkReceived(key: string, found: number, wanted: number): void {
  if (found === wanted) return;
  throw new SkyhaulError(
    'ChecksumRefused',
    `${showKey(key)}: wanted CRC32 ${crc32Hex(wanted)}, found ${crc32Hex(found)}.`,
  );
}
