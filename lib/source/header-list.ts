/**
 * Response headers as they came: every line, in order, so that duplicates are seen. Names in lower case; values are
 * the bytes as Latin-1 (RFC 9110 5.5), never decoded further here.
 */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** Reads undici's raw headers: name, value, name, value … */
export function readHeaders(raw: readonly (Uint8Array | string)[]): HeaderList {
  const list: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    list.push([latin1(raw[index]).toLowerCase(), latin1(raw[index + 1]).trim()]);
  }
  return list;
}

/** All values of a header; empty when it is missing. */
export function valuesOf(headers: HeaderList, name: string): readonly string[] {
  return headers.flatMap(([key, value]) => (key === name ? [value] : []));
}

/** The value of a header that makes sense once: the first, as most clients read it. */
export function firstOf(headers: HeaderList, name: string): string | undefined {
  return valuesOf(headers, name)[0];
}

function latin1(value: Uint8Array | string | undefined): string {
  if (value === undefined || typeof value === 'string') return value ?? '';
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
}
