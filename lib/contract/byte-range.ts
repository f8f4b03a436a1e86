/**
 * The bytes of a source that alone become the object (RFC 9110 14.1.2): `bytes=0-99`, `bytes=100-`, `bytes=-100`. One
 * range, not several.
 */
export type WantedRange =
  | { readonly from: number; readonly to?: number | undefined }
  /** Of the end. */
  | { readonly last: number };

/** One range with a first and last byte in order, or undefined. */
export function parseRange(text: string): WantedRange | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) return undefined;
  if (first === '') return last === '' || to === 0 ? undefined : { last: to };
  if (last === '') return { from };
  return from <= to ? { from, to } : undefined;
}
