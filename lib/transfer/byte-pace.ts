import type { OpenedSource, Resumed, ResumeRequest, SourceClient, SourceRequest } from '../source/source.ts';

/** Shorter waits cost more than they regulate, and so much lateness of timers is made up for. Milliseconds. */
const LEAST_WAIT_MS = 5;
const GRACE_MS = 50;

/**
 * Holds all that an invocation reads to so many bytes a second. Bytes are paid for behind their receipt: the reader asks
 * for the next ones later, and the connection holds its source back by itself. So nobody takes the source for slow: time in
 * which nobody asks counts neither for idleTimeoutMs nor for minBytesPerSecond.
 */
export class BytePace {
  readonly #bytesPerSecond: number;
  readonly #now: () => number;
  readonly #sleep: (ms: number) => Promise<void>;
  /** Epoch milliseconds up to which the bytes so far reach. */
  #paidTo = 0;

  constructor(bytesPerSecond: number, now: () => number, sleep: (ms: number) => Promise<void>) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#now = now;
    this.#sleep = sleep;
  }

  /** Resolves when so many bytes are paid for; whoever comes first is served first. */
  async pay(bytes: number): Promise<void> {
    const now = this.#now();
    this.#paidTo = Math.max(this.#paidTo, now - GRACE_MS) + (bytes / this.#bytesPerSecond) * 1_000;
    const waitMs = this.#paidTo - now;
    if (waitMs >= LEAST_WAIT_MS) await this.#sleep(waitMs);
  }
}

/** A client whose bodies keep to the pace. */
export function pacedClient(client: SourceClient, pace: BytePace): SourceClient {
  const paced = <T extends Pick<OpenedSource, 'body'>>(source: T): T => ({
    ...source,
    body: slowly(source.body, pace),
  });
  return {
    open: async (request: SourceRequest) => {
      const opened = await client.open(request);
      return 'body' in opened ? paced(opened) : opened;
    },
    resume: async (request: ResumeRequest): Promise<Resumed> => {
      const resumed = await client.resume(request);
      if (resumed.kind === 'rest') return { ...resumed, source: paced(resumed.source) };
      return resumed.kind === 'whole' ? { ...resumed, source: paced(resumed.source) } : resumed;
    },
    close: () => client.close(),
  };
}

async function* slowly(body: AsyncIterable<Uint8Array>, pace: BytePace): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    yield chunk;
    await pace.pay(chunk.length);
  }
}
