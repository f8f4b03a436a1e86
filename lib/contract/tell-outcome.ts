import { redactUrl } from '../errors/redact-url.ts';
import type { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { Item } from './item.ts';
import type { Outcome } from './outcome.ts';

/** What an outcome says of its line, whatever became of it. */
export function toldOfLine({
  line,
  item,
  key,
}: {
  readonly line: number;
  readonly item: Item;
  readonly key: string;
}): Pick<Outcome, 'line' | 'id' | 'url'> & { readonly key: string } {
  return { line, ...(item.id !== undefined && { id: item.id }), url: redactUrl(item.url), key };
}

/** What an outcome, and the ledger, say of an error. */
export function toldOfError({ name, message, details: { status } }: SkyhaulError) {
  return { error: name, message, ...(status !== undefined && { status }) };
}
