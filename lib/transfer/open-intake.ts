import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { OpenedSource } from '../source/source.ts';
import { Intake } from './intake.ts';
import type { ItemJob } from './item-job.ts';
import { aboutItem, type ItemTransform } from './transform-of.ts';

/**
 * The body of an item that makes no object, behind its transforms. Throws BatchInvalid, for the reason given, where they
 * make several objects.
 */
export async function openIntake(
  job: ItemJob,
  transform: ItemTransform | undefined,
  source: OpenedSource,
  { isWhole, ifMany }: { readonly isWhole: boolean; readonly ifMany: string },
) {
  const intake = await Intake.of(job, source, isWhole);
  const about = aboutItem(job, source);
  const run = transform?.chain.run(intake.read(), about);
  if (run?.kind === 'many') throw new SkyhaulError('BatchInvalid', ifMany);
  return { intake, about, body: run?.body ?? intake.read(), counts: run?.counts };
}
