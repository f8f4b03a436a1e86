import type { SourceRequest } from '../source/source.ts';
import type { ItemJob } from './item-job.ts';

/** What the source of an item is asked with, the nearer setting over the farther one. */
export function requestOf({ work, options, signal }: Pick<ItemJob, 'work' | 'options' | 'signal'>): Omit<SourceRequest, 'ifNoneMatch'> {
  return {
    url: work.item.url,
    headers: { ...options.request?.headers, ...work.item.request?.headers, ...work.item.headers },
    backend: work.item.backend,
    signal,
  };
}
