import type { OpenedSource } from '../source/source.ts';
import { verification } from './describe-object.ts';
import { wantedDigests } from './digests.ts';
import type { ItemJob, ItemResult } from './item-job.ts';

/** What an outcome says of its source, where the body does not go into the object as it is. */
export function sourceResult({ work: { item } }: Pick<ItemJob, 'work'>, source: OpenedSource): ItemResult {
  const { strongEtag } = source.validators;
  return {
    outcome: 'stored',
    status: source.status,
    verified: verification(item, source, wantedDigests(item, source.digests)),
    ...(strongEtag !== undefined && { sourceEtag: strongEtag }),
  };
}
