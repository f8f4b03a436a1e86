import type { NotModified, OpenedSource, PinnedVersion, SourceClient } from '../source/source.ts';

type Hand = (chunk: Uint8Array, offset: number) => Promise<void>;

/**
 * A source client for one item that shows somebody the bytes on their way: each once and in order, also where the engine
 * fetches some of them again. Another version begins anew at offset 0. What `hand` throws ends the reading.
 */
export function observeClient(client: SourceClient, hand: Hand): SourceClient {
  const watch = new Watch(hand);
  return {
    async open(request) {
      const source = await client.open(request);
      return isSource(source) ? watch.whole(source) : source;
    },
    async resume(request) {
      const resumed = await client.resume(request);
      switch (resumed.kind) {
        case 'rest': {
          const { source } = resumed;
          return { ...resumed, source: { ...source, body: watch.tap(source.body, source.from) } };
        }
        case 'whole':
          return { ...resumed, source: watch.whole(resumed.source) };
        case 'changed':
        case 'complete':
          return resumed;
      }
    },
    close: () => client.close(),
  };
}

class Watch {
  readonly #hand: Hand;
  #version: PinnedVersion | undefined;
  /** So many bytes of the version were shown. */
  #shown = 0;

  constructor(hand: Hand) {
    this.#hand = hand;
  }

  whole(source: OpenedSource): OpenedSource {
    if (!isSame(source.version, this.#version)) this.#shown = 0;
    this.#version = source.version;
    return { ...source, body: this.tap(source.body, 0) };
  }

  async *tap(body: AsyncIterable<Uint8Array>, from: number): AsyncGenerator<Uint8Array> {
    let at = from;
    for await (const chunk of body) {
      const known = Math.max(0, this.#shown - at);
      if (known < chunk.length) {
        // A copy: what is stored is not for others to change.
        await this.#hand(new Uint8Array(chunk.subarray(known)), at + known);
        this.#shown = at + chunk.length;
      }
      at += chunk.length;
      yield chunk;
    }
  }
}

function isSource(source: OpenedSource | NotModified): source is OpenedSource {
  return 'body' in source;
}

/** Bytes without a version are never those that were seen before. */
function isSame(one: PinnedVersion | undefined, other: PinnedVersion | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.etag === other.etag && one.modified === other.modified && one.bytes === other.bytes;
}
