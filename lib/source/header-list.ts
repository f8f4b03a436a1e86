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
  const values: string[] = [];
  for (const [key, value] of headers) if (key === name) values.push(value);
  return values;
}

/** The value of a header that makes sense once: the first, as most clients read it. */
export function firstOf(headers: HeaderList, name: string): string | undefined {
  return headers.find(([key]) => key === name)?.[1];
}

/** Elements of a list-valued header: lines joined, split at commas (RFC 9110 5.3). An empty one stays, so that it is seen. */
export function listOf(headers: HeaderList, name: string): readonly string[] {
  return valuesOf(headers, name).flatMap((value) => value.split(',').map((element) => element.trim()));
}

/** The content codings in the order in which they were applied, lower case; undefined when there is none. */
export function contentEncodingOf(headers: HeaderList): string | undefined {
  const codings = listOf(headers, 'content-encoding').map((coding) => coding.toLowerCase());
  const applied = codings.filter((coding) => coding !== '' && coding !== 'identity');
  return applied.length === 0 ? undefined : applied.join(', ');
}

function latin1(value: Uint8Array | string | undefined): string {
  if (value === undefined || typeof value === 'string') return value ?? '';
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
}
