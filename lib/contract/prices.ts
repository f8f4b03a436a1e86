/**
 * Prices in US dollars, us-east-1, read in November 2026. For estimates: tiers, free allowances and other Regions differ.
 */
/** PUT, POST and LIST. */
export const S3_PUT = 5 / 1_000_000;
export const S3_GET = 0.4 / 1_000_000;
export const LAMBDA_REQUEST = 0.2 / 1_000_000;
/** arm64, which the stack uses unless told otherwise; x86 costs a quarter more. */
export const LAMBDA_GIGABYTE_SECOND = 0.000_013_333_4;
/** Step Functions Standard, per transition; a child of a distributed Map costs one, and each state in it one. */
export const TRANSITION = 0.025 / 1_000;
export const TRANSITIONS_PER_INVOCATION = 4;
