/**
 * Prices in US dollars, us-east-1, read in November 2026. For estimates: tiers, free allowances and other Regions differ.
 */
/** PUT, POST and LIST. */
export const S3_PUT = 5 / 1_000_000;
const S3_GET = 0.4 / 1_000_000;
const LAMBDA_REQUEST = 0.2 / 1_000_000;
/** arm64, which the stack uses unless told otherwise; x86 costs a quarter more. */
const LAMBDA_GIGABYTE_SECOND = 0.000_013_333_4;
/** Step Functions Standard, per transition; a child of a distributed Map costs one, and each state in it one. */
const TRANSITION = 0.025 / 1_000;
export const TRANSITIONS_PER_INVOCATION = 4;

/** What was, or is going to be, used up. */
export interface Usage {
  readonly put: number;
  readonly get: number;
  readonly gigabyteSeconds: number;
  readonly invocations: number;
  readonly transitions: number;
}

/** US dollars, not rounded. */
export function priceOf({ put, get, gigabyteSeconds, invocations, transitions }: Usage) {
  const s3 = put * S3_PUT + get * S3_GET;
  const lambda = gigabyteSeconds * LAMBDA_GIGABYTE_SECOND + invocations * LAMBDA_REQUEST;
  const states = transitions * TRANSITION;
  return { s3, lambda, states, total: s3 + lambda + states };
}
