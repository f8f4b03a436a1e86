import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { OpenedSource } from '../source/source.ts';
import { headResult } from './inline-item.ts';
import { Intake } from './intake.ts';
import type { ItemJob, ItemResult } from './item-job.ts';
import { asTransformFailure, counted } from './transform-item.ts';
import { aboutItem, type ItemTransform } from './transform-of.ts';

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
  const intake = await Intake.of(job, source, isWhole);
  const about = aboutItem(job, source);
  const run = transform?.chain.run(intake.read(), about);
  if (run?.kind === 'many') throw new SkyhaulError('BatchInvalid', '`untar` makes objects, and `result` is `none`');
  const consume = transform?.consume ?? readOnly;
  try {
    const inline = await consume(run?.body ?? intake.read(), about);
    const { sha256 } = intake.verify();
    return {
      ...headResult(job, source),
      ...(sha256 !== undefined && { sha256 }),
      ...(inline !== undefined && { inline }),
      ...(run ? counted(run.counts) : { bytesIn: intake.bytes }),
    };
  } catch (error) {
    throw asTransformFailure(error);
  }
}

async function readOnly(input: AsyncIterable<Uint8Array>): Promise<undefined> {
  for await (const _ of input);
}
