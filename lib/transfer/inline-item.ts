import { KiB } from '../contract/limits.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { OpenedSource } from '../source/source.ts';
import type { ItemJob, ItemResult } from './item-job.ts';
import { openIntake } from './open-intake.ts';
import { sourceResult } from './source-result.ts';
import { asTransformFailure, counted } from './transform-item.ts';
import type { ItemTransform } from './transform-of.ts';

/** A row of the ledger is no place for more. */
const MAX_INLINE_BYTES = 16 * KiB;

/**
 * `result: inline`: the body, or what its transforms make of it, stands in the outcome, as text where it is UTF-8 and as
 * `{ base64 }` otherwise. Nothing is stored. Throws TooLarge beyond 16 KiB.
 */
export async function inlineItem(
  job: ItemJob,
  transform: ItemTransform | undefined,
  source: OpenedSource,
  isWhole: boolean,
): Promise<ItemResult> {
  const ifMany = '`untar` makes objects, which no outcome can hold';
  const { intake, body, counts } = await openIntake(job, transform, source, { isWhole, ifMany });
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > MAX_INLINE_BYTES) {
        throw new SkyhaulError('TooLarge', `more than ${MAX_INLINE_BYTES} bytes do not fit into an outcome`);
      }
      chunks.push(Uint8Array.from(chunk));
    }
    const { sha256 } = intake.verify();
    return {
      ...sourceResult(job, source),
      bytes,
      ...(sha256 !== undefined && { sha256 }),
      inline: textOr64(Buffer.concat(chunks)),
      ...(counts && counted(counts)),
    };
  } catch (error) {
    throw asTransformFailure(error);
  }
}

/** `result: head`: what the source says of itself; its body is not read. */
export function headItem(job: ItemJob, source: OpenedSource): ItemResult {
  const { framing, validators, contentType } = source;
  return {
    ...sourceResult(job, source),
    verified: 'unverified',
    inline: {
      ...(framing.kind === 'length' && { bytes: framing.bytes }),
      ...(contentType !== undefined && { contentType }),
      ...(validators.lastModified !== undefined && { lastModified: validators.lastModified }),
    },
  };
}

function textOr64(bytes: Buffer): unknown {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { base64: bytes.toString('base64') };
  }
}
