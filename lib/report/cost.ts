/**
 * Prices in US dollars, us-east-1, read in November 2026. An estimate: tiers, free allowances and other Regions differ.
 * What runs on a machine of the user's own costs nothing but its S3 requests.
 */
const S3_PUT = 5 / 1_000_000;
const S3_GET = 0.4 / 1_000_000;
const LAMBDA_REQUEST = 0.2 / 1_000_000;
/** arm64, which the stack uses unless told otherwise; x86 costs a quarter more. */
const LAMBDA_GIGABYTE_SECOND = 0.000_013_333_4;
/** Step Functions Standard, per transition; a child of a distributed Map costs one, and each state in it one. */
const TRANSITION = 0.025 / 1_000;
const TRANSITIONS_PER_INVOCATION = 4;

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
