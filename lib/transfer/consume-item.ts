import type { OpenedSource } from '../source/source.ts';
import type { ItemJob, ItemResult } from './item-job.ts';
import { openIntake } from './open-intake.ts';
import { sourceResult } from './source-result.ts';
import { asTransformFailure, counted } from './transform-item.ts';
import type { ItemTransform } from './transform-of.ts';

/**
 * `result: none`: the body is read to its end and proven, and nothing is stored. What the user's `consume` returned stands
 * in the outcome, once the source is proven whole; an item that is tried again is consumed again, from its first byte.
 */
export async function consumeItem(
  job: ItemJob,
  transform: ItemTransform | undefined,
  source: OpenedSource,
  isWhole: boolean,
): Promise<ItemResult> {
  const ifMany = '`untar` makes objects, and `result` is `none`';
  const { intake, about, body, counts } = await openIntake(job, transform, source, { isWhole, ifMany });
  const consume = transform?.consume ?? readOnly;
  try {
    const inline = await consume(body, about);
    const { sha256 } = intake.verify();
    return {
      ...sourceResult(job, source),
      ...(sha256 !== undefined && { sha256 }),
      ...(inline !== undefined && { inline }),
      ...(counts ? counted(counts) : { bytesIn: intake.bytes }),
    };
  } catch (error) {
    throw asTransformFailure(error);
  }
}

async function readOnly(input: AsyncIterable<Uint8Array>): Promise<undefined> {
  for await (const _ of input);
}
