import { priceOf, TRANSITIONS_PER_INVOCATION, type Usage } from '../contract/prices.ts';

/** What a run has cost: an estimate. What runs on a machine of the user's own costs nothing but its S3 requests. */
export type Spent = Omit<Usage, 'transitions'>;

/** US dollars, rounded to a hundredth of a cent. `toS3`: the destination charges for requests. */
export function costOf(spent: Spent, toS3: boolean): number {
  const { s3, lambda, states } = priceOf({ ...spent, transitions: spent.invocations * TRANSITIONS_PER_INVOCATION });
  return Math.round(((toS3 ? s3 : 0) + lambda + states) * 10_000) / 10_000;
}
