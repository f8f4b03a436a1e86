import type { Item } from './item.ts';
import type { Options } from './options.ts';
import type { RequestBody } from './request.ts';

/** How an item is asked for once its batch is looked at, too: the nearer setting wins. Pure. */
export function methodOf(
  { method, body, request }: Pick<Item, 'method' | 'body' | 'request'>,
  { request: ofBatch }: Pick<Options, 'request'>,
): { readonly method: 'GET' | 'POST'; readonly body: RequestBody | undefined } {
  const sent = body ?? request?.body ?? ofBatch?.body;
  const asked = method ?? request?.method ?? ofBatch?.method ?? (sent === undefined ? 'GET' : 'POST');
  return { method: asked, body: sent };
}
