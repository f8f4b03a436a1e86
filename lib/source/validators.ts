import { type HeaderList, valuesOf } from './header-list.ts';
import type { Validators } from './source.ts';

/** entity-tag of RFC 9110 8.8.3: no quote, blank or control character inside. */
const ENTITY_TAG = /^(W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;

/** The version of what came. A header that is malformed, or that contradicts itself, says nothing. */
export function readValidators(headers: HeaderList): Validators {
  const etag = onlyValue(headers, 'etag');
  const isTag = etag !== undefined && ENTITY_TAG.test(etag);
  const isWeak = isTag && etag.startsWith('W/');
  return {
    strongEtag: isTag && !isWeak ? etag : undefined,
    weakEtag: isWeak ? etag : undefined,
    lastModified: onlyValue(headers, 'last-modified'),
  };
}

/** Weak comparison (RFC 9110 8.8.3.2). */
export function isSameTag(one: string, other: string): boolean {
  return one.replace(/^W\//, '') === other.replace(/^W\//, '');
}

function onlyValue(headers: HeaderList, name: string): string | undefined {
  const [value, ...others] = valuesOf(headers, name);
  return value !== '' && others.every((other) => other === value) ? value : undefined;
}
