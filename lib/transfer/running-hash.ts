/**
 * SHA-256 and MD5 of bytes that pass in order, perhaps through several invocations. Native where the state stays here;
 * where it must travel, WebAssembly, whose state can be written down: SHA-256 then costs six times the CPU, MD5 a third
 * more. The state may hold the last 63 bytes of the file itself: it is to be kept like the file.
 */
import { createHash } from 'node:crypto';
import { createMD5, createSHA256 } from 'hash-wasm';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

export type OrderedAlgorithm = 'sha256' | 'md5';

export interface RunningHash {
  update(chunk: Uint8Array): void;
  /** The state so far, in base64; the hash goes on. */
  save(): string;
  /** Hexadecimal. The hash is used up by it. */
  digest(): string;
}

export function nativeHash(algorithm: OrderedAlgorithm): RunningHash {
  const hash = createHash(algorithm);
  return {
    update(chunk) {
      hash.update(chunk);
    },
    save() {
      throw new SkyhaulError('Unexpected', `a ${algorithm} that was not meant to travel cannot be saved`);
    },
    digest: () => hash.digest('hex'),
  };
}

/** `undefined` for a saved state that is none, or that another version of the implementation wrote. */
export async function travellingHash(algorithm: OrderedAlgorithm, saved?: string): Promise<RunningHash | undefined> {
  const hash = (await (algorithm === 'sha256' ? createSHA256() : createMD5())).init();
  try {
    // Its first bytes name the implementation, and it refuses every other one, as it does every other length.
    if (saved !== undefined) hash.load(Buffer.from(saved, 'base64'));
  } catch {
    return undefined;
  }
  return {
    update(chunk) {
      hash.update(chunk);
    },
    save: () => Buffer.from(hash.save()).toString('base64'),
    digest: () => hash.digest('hex'),
  };
}
