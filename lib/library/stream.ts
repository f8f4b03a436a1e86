import { type Effects, systemEffects } from './effects.ts';
import type { ItemInput, StreamOptions } from './options.ts';
import { Reading } from './reading.ts';
import { readSettings, requireItem } from './settings.ts';
import { SourceStream } from './source-stream.ts';

/**
 * Opens a source to be read here. Resolves when its head is there; from then on every byte is of one version, comes once,
 * and reconnects are not seen. With `transform` the stream is what comes out of it.
 *
 * @throws SkyhaulError under its catalogue name: `BatchInvalid` and `NotSupported` for options, whatever opening a source
 * ends with (`NotFound`, `AddressRefused`, `ConnectFailed` …), `Interrupted` when the signal is aborted
 */
export async function stream(
  source: ItemInput,
  options: StreamOptions = {},
  effects: Effects = systemEffects,
): Promise<SourceStream> {
  const settings = readSettings('stream', options);
  const { item, key, body } = requireItem(source, settings.fields);
  const work = { kind: 'item', index: 0, line: 1, lane: 0, attempts: 0, item, key } as const;
  return new SourceStream(await Reading.open(work, settings, effects, body), item);
}
