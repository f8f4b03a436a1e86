import type { Usage } from '../../lib/contract/prices.ts';

/** What a run used up. */
export type Bill = { -readonly [K in keyof Usage]: Usage[K] };

export function emptyBill(): Bill {
  return { put: 0, get: 0, gigabyteSeconds: 0, invocations: 0, transitions: 0 };
}
