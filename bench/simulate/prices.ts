/** US dollars, us-east-1, from the price lists of the services as read in November 2026; no tiers, no free allowances. */
const PRICES = {
  /** S3 Standard: PUT, COPY, POST, LIST. */
  put: 5 / 1e6,
  /** S3 Standard: GET, HEAD. */
  get: 0.4 / 1e6,
  /** Lambda, arm64. */
  gigabyteSecond: 0.000_013_333_4,
  invocation: 0.2 / 1e6,
  /** Step Functions Standard; a child of a distributed Map costs one for its start. */
  transition: 25 / 1e6,
} as const;

/** What a run used up. */
export interface Bill {
  put: number;
  get: number;
  gigabyteSeconds: number;
  invocations: number;
  transitions: number;
}

export function emptyBill(): Bill {
  return { put: 0, get: 0, gigabyteSeconds: 0, invocations: 0, transitions: 0 };
}

export function costOfBill(bill: Bill) {
  const s3 = bill.put * PRICES.put + bill.get * PRICES.get;
  const lambda = bill.gigabyteSeconds * PRICES.gigabyteSecond + bill.invocations * PRICES.invocation;
  const states = bill.transitions * PRICES.transition;
  return { s3, lambda, states, total: s3 + lambda + states };
}
