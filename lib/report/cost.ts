import {
  LAMBDA_GIGABYTE_SECOND,
  LAMBDA_REQUEST,
  S3_GET,
  S3_PUT,
  TRANSITION,
  TRANSITIONS_PER_INVOCATION,
} from '../contract/prices.ts';

/** What a run has cost: an estimate. What runs on a machine of the user's own costs nothing but its S3 requests. */
export interface Spent {
  readonly put: number;
  readonly get: number;
  readonly gigabyteSeconds: number;
  readonly invocations: number;
}

/** US dollars, rounded to a hundredth of a cent. `toS3`: the destination charges for requests. */
export function costOf(spent: Spent, toS3: boolean): number {
  const requests = toS3 ? spent.put * S3_PUT + spent.get * S3_GET : 0;
  const compute = spent.gigabyteSeconds * LAMBDA_GIGABYTE_SECOND + spent.invocations * LAMBDA_REQUEST;
  const orchestration = spent.invocations * TRANSITIONS_PER_INVOCATION * TRANSITION;
  return Math.round((requests + compute + orchestration) * 10_000) / 10_000;
}
