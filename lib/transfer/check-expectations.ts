import type { Item } from '../contract/item.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { OpenedSource } from '../source/source.ts';

/** What can be known from the headers, before a byte is stored. Throws UnexpectedContent, SizeMismatch, TooLarge. */
export function checkHeaders(item: Item, source: OpenedSource, maxBytes: number): void {
  const { status, contentType } = item.expect ?? {};
  if (status !== undefined && source.status !== status) {
    throw new SkyhaulError('UnexpectedContent', `status ${source.status}, expected ${status}`, {
      status: source.status,
    });
  }
  const found = source.contentType?.toLowerCase() ?? '';
  if (contentType !== undefined && !found.startsWith(contentType.toLowerCase())) {
    throw new SkyhaulError('UnexpectedContent', `content type ${found || '(none)'}, expected ${contentType}`);
  }
  if (source.framing.kind === 'length') checkLength(item, source.framing.bytes, maxBytes);
}

/** What can only be known at the end of the body, or earlier when the length is announced. */
export function checkLength(item: Item, bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw tooLarge(maxBytes);
  if (item.size !== undefined && bytes !== item.size) {
    throw new SkyhaulError('SizeMismatch', `Wanted: ${item.size} bytes\nFound:  ${bytes} bytes`);
  }
  const least = item.expect?.minBytes ?? 0;
  if (bytes < least) throw new SkyhaulError('UnexpectedContent', `${bytes} bytes, expected at least ${least}`);
}

export function tooLarge(maxBytes: number): SkyhaulError {
  return new SkyhaulError('TooLarge', `the body is larger than ${maxBytes} bytes`);
}
