import type { Outcome } from '../contract/outcome.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { DownloadRun, type DownloadSummary } from './downloads.ts';
import { type Effects, systemEffects } from './effects.ts';
import type { Items } from './item-feed.ts';
import type { DownloadAllOptions, DownloadOptions, ItemInput } from './options.ts';
import { readSettings } from './settings.ts';

/** The items of one `downloadAll` on their way. Nothing begins before the first outcome, or the summary, is asked for. */
export interface Downloads extends AsyncIterable<Outcome> {
  /**
   * What became of each item, in the order in which they end. Who takes outcomes slowly slows the downloads down; leaving
   * the loop stops them, and leaves nothing half done behind.
   *
   * @throws SkyhaulError `Interrupted` when the signal is aborted; and at the end what the iterable of the items threw, or
   * what `onProgress` threw about an item that had ended
   */
  [Symbol.asyncIterator](): AsyncGenerator<Outcome, void, undefined>;
  /** Resolves when all is done. Without a loop it runs the downloads itself; throws as the loop does. */
  summary(): Promise<DownloadSummary>;
}

/**
 * Fetches one source into an object or a file, whole and proven, or not at all.
 *
 * @returns what a run would report of it; an item that fails is an outcome, not an exception
 * @throws SkyhaulError `BatchInvalid` or `NotSupported` for options that cannot be, `Interrupted` when the signal is aborted
 */
export async function download(
  source: ItemInput,
  options: DownloadOptions,
  effects: Effects = systemEffects,
): Promise<Outcome> {
  const { own, options: engine, fields } = readSettings('download', options);
  const settings = { own: { ...own, concurrency: 1, perHostConnections: 1 }, options: engine, fields };
  let last: Outcome | undefined;
  for await (const outcome of new DownloadRun([source], settings, effects).outcomes()) last = outcome;
  if (!last) throw new SkyhaulError('Unexpected', 'a download ended without an outcome');
  return last;
}

/**
 * Fetches any number of sources side by side. Items are taken as they are needed, so that a generator may make millions of
 * them; remembered are 20 to 60 bytes for each key. The same item twice is fetched once (`skipped`, `duplicate`); two that
 * differ and meet at one key: the later one fails as `KeyConflict`.
 *
 * @throws SkyhaulError `BatchInvalid` or `NotSupported` for options that cannot be
 */
export function downloadAll(
  items: Items<ItemInput>,
  options: DownloadAllOptions,
  effects: Effects = systemEffects,
): Downloads {
  const isList = typeof items === 'object' && (Symbol.iterator in items || Symbol.asyncIterator in items);
  if (!isList) throw new SkyhaulError('BatchInvalid', 'the items are to be a list, or anything else to iterate over');
  const run = new DownloadRun(items, readSettings('downloadAll', options), effects);
  const done = Promise.withResolvers<DownloadSummary>();
  // Who does not ask for the summary does not want to hear of its failure either.
  done.promise.catch(() => undefined);
  let isTaken = false;

  async function* outcomes(): AsyncGenerator<Outcome, void, undefined> {
    if (isTaken) throw new SkyhaulError('BatchInvalid', 'the outcomes are being taken already, or were');
    isTaken = true;
    try {
      yield* run.outcomes();
    } catch (error) {
      done.reject(error);
      throw error;
    } finally {
      done.resolve(run.summary);
    }
  }

  return {
    [Symbol.asyncIterator]: outcomes,
    async summary() {
      if (!isTaken) for await (const _ of outcomes());
      return await done.promise;
    },
  };
}
