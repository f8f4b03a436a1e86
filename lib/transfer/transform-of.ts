import type { Options } from '../contract/options.ts';
import type { ItemWork } from '../contract/work.ts';
import { crc32, crc32Hex } from '../store/crc32.ts';
import { type Chain, makeChain } from '../transform/chain.ts';
import { DEFAULT_TRANSFORM_LIMITS } from '../transform/limits.ts';

export interface ItemTransform {
  readonly chain: Chain;
  /** Tells it from every other, in the metadata of what it makes. */
  readonly mark: string;
}

/** The transforms of an item, else those of the batch. Throws BatchInvalid for an expression that says nothing. */
export function transformOf({ item }: ItemWork, options: Options): ItemTransform | undefined {
  const specs = item.transform ?? options.transform;
  if (!specs) return undefined;
  const chain = makeChain(specs, DEFAULT_TRANSFORM_LIMITS);
  // The names for people, the sum for us: with another expression the same source makes another object.
  const sum = crc32Hex(crc32(Buffer.from(JSON.stringify(specs))));
  return { chain, mark: `${chain.names.join(',')} ${sum}` };
}
