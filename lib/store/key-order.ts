const SURROGATE = /[\ud800-\udfff]/;

/** As S3 sorts keys, by their bytes: UTF-16 sorts them otherwise where there are surrogates. */
export function compareKeys(one: string, other: string): number {
  if (one === other) return 0;
  if (SURROGATE.test(one) || SURROGATE.test(other)) return Buffer.compare(Buffer.from(one), Buffer.from(other));
  return one < other ? -1 : 1;
}
