import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import type { ItemAbout } from '../../lib/transform/module-session.ts';
import { consumeByModule, transformByModule } from '../../lib/transform/module-step.ts';
import type {
  Consume,
  Transform,
  TransformContext,
  TransformGenerator,
  TransformPair,
} from '../../lib/transform/user-module.ts';
import { CarelessSource, chunkSizes, collect, inChunks } from './byte-streams.ts';

const MiB = 1024 * 1024;
const spec = { idleTimeoutMs: 300_000 };

function aboutItem(more: Partial<ItemAbout> = {}): ItemAbout {
  return {
    url: 'https://h.example/a',
    key: 'a',
    line: 1,
    id: undefined,
    contentType: 'text/plain',
    bytes: 3,
    etag: undefined,
    signal: new AbortController().signal,
    log: () => undefined,
    ...more,
  };
}

type Input = AsyncIterable<Uint8Array>;

function transform(code: Transform | TransformGenerator, input: Input, more: object = {}, about = aboutItem()) {
  return transformByModule({ id: 'x', file: 'my-module.ts', transform: code }, { ...spec, ...more }, input, about);
}

function consume(code: Consume, input: Input, more: object = {}, about = aboutItem()) {
  return consumeByModule({ id: 'x', file: 'my-module.ts', consume: code }, { ...spec, ...more }, input, about);
}

/** The bytes as they are, through each form that a module may have. */
const forms: readonly (readonly [string, Transform | TransformGenerator])[] = [
  ['a TransformStream', () => new TransformStream<Uint8Array, Uint8Array>()],
  ['a promise of a TransformStream', async () => new TransformStream<Uint8Array, Uint8Array>()],
  [
    'an async generator',
    async function* (input) {
      yield* input;
    } satisfies TransformGenerator,
  ],
  ['a function that returns the stream', (input: AsyncIterable<Uint8Array>, _context: TransformContext) => input],
];

describe('a module that makes bytes of bytes', () => {
  it.each(forms)('gets every byte once and gives every byte once: %s', async (_name, code) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3_000 }), chunkSizes, async (bytes, sizes) => {
        const source = new CarelessSource(inChunks(bytes, sizes));

        expect(await collect(transform(code, source))).toEqual(Buffer.from(bytes));
        expect(source.closed).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('may keep what it got, although the steps before use their memory again', async () => {
    const kept: Uint8Array[] = [];
    const code: TransformGenerator = async function* (input) {
      for await (const chunk of input) kept.push(chunk);
      yield* kept;
    };

    expect(String(await collect(transform(code, new CarelessSource([Buffer.from('ab'), Buffer.from('cd')]))))).toBe(
      'abcd',
    );
  });

  it('is told of its item and gets the options of its step', async () => {
    let told: TransformContext | undefined;
    const code: Transform = (context) => {
      told = context;
      return new TransformStream();
    };
    await collect(transform(code, new CarelessSource([]), { options: { country: 'DE' } }));

    expect(told).toMatchObject({ url: 'https://h.example/a', key: 'a', line: 1, contentType: 'text/plain', bytes: 3 });
    expect(told?.options).toEqual({ country: 'DE' });
    expect(told?.signal.aborted).toBe(false);
  });

  it('I7: is not read ahead of whoever reads what comes out', async () => {
    for (const [, code] of forms) {
      const source = new CarelessSource(Array.from({ length: 100 }, () => Buffer.alloc(1_000)));
      const output = transform(code, source);
      await output.next();
      await sleep(5);

      expect(source.pulled).toBeLessThan(5);
      await output.return(undefined);
      expect(source.closed).toBe(true);
    }
  });

  it('may end before its input does: the rest is read all the same, so that the source is proven', async () => {
    const first: TransformGenerator = async function* (input) {
      for await (const chunk of input) {
        yield chunk;
        return;
      }
    };
    const terminating: Transform = () =>
      new TransformStream({
        transform(chunk, controller) {
          controller.enqueue(chunk);
          controller.terminate();
        },
      });
    for (const code of [first, terminating]) {
      const source = new CarelessSource(inChunks(Buffer.from('abcdef'), [1]));

      expect(String(await collect(transform(code, source)))).toBe('a');
      expect(source.pulled).toBe(6);
    }
  });
});

/** A module that fails in every way there is. */
const failures: readonly (readonly [string, Transform | TransformGenerator])[] = [
  [
    'at once',
    () => {
      throw new Error('my mistake');
    },
  ],
  ['with a promise', () => Promise.reject(new Error('my mistake'))],
  [
    'at a chunk',
    () =>
      new TransformStream({
        transform() {
          throw new Error('my mistake');
        },
      }),
  ],
  [
    'at the end',
    () =>
      new TransformStream({
        flush() {
          throw new Error('my mistake');
        },
      }),
  ],
  [
    'between its chunks',
    async function* (input) {
      for await (const chunk of input) {
        yield chunk;
        throw new Error('my mistake');
      }
    } satisfies TransformGenerator,
  ],
  [
    'in a timer',
    () => {
      setTimeout(() => {
        throw new Error('my mistake');
      }, 1);
      return stuck();
    },
  ],
  [
    'in a promise that nobody looks at',
    () => {
      void Promise.resolve().then(() => {
        throw new Error('my mistake');
      });
      return stuck();
    },
  ],
  [
    'under a name of our own',
    () => {
      throw Object.assign(new Error('my mistake'), { name: 'NotFound' });
    },
  ],
];

function stuck(): TransformPair {
  return new TransformStream({ transform: () => new Promise<void>(() => undefined) });
}

describe('a module that fails', () => {
  it.each(failures)('is TransformFailed with its stack: %s', async (_name, code) => {
    const source = new CarelessSource(inChunks(Buffer.from('abc'), [1]));

    await expect(collect(transform(code, source))).rejects.toMatchObject({
      name: 'TransformFailed',
      message: expect.stringMatching(/my mistake\n +at .*module-step\.test\.ts/),
    });
    expect(source.closed).toBe(source.pulled > 0);
  });

  it('ends its own item and no other that is under way', async () => {
    const fails: TransformGenerator = async function* (input) {
      for await (const chunk of input) {
        void Promise.reject(new Error('only mine'));
        await sleep(20);
        yield chunk;
      }
    };
    const fine: TransformGenerator = async function* (input) {
      for await (const chunk of input) {
        await sleep(5);
        yield chunk;
      }
    };
    const source = () => new CarelessSource(inChunks(Buffer.from('abcdef'), [1]));

    const [one, two, three] = await Promise.allSettled([
      collect(transform(fine, source())),
      collect(transform(fails, source())),
      collect(transform(fine, source())),
    ]);

    expect(two).toMatchObject({ reason: { name: 'TransformFailed', message: expect.stringContaining('only mine') } });
    for (const end of [one, three]) expect(end).toMatchObject({ status: 'fulfilled', value: Buffer.from('abcdef') });
  });

  it('says in its log what it throws when its item has ended', async () => {
    const messages: string[] = [];
    const code: Transform = () => {
      setTimeout(() => {
        throw new Error('too late');
      }, 20);
      return new TransformStream();
    };
    const about = aboutItem({ log: (message) => void messages.push(message) });
    await collect(transform(code, new CarelessSource([Buffer.from('a')]), {}, about));
    while (messages.length === 0) await sleep(5);

    expect(messages).toEqual([expect.stringMatching(/^threw after its item had ended: Error: too late\n/)]);
  });

  it('leaves the name of an error of its input alone, whatever it makes of it', async () => {
    const lost = new SkyhaulError('ConnectionLost', 'the connection ended');
    const hiding: TransformGenerator = async function* (input) {
      try {
        yield* input;
      } catch {
        yield Buffer.from('all is well');
      }
    };
    const wrapping: TransformGenerator = async function* (input) {
      try {
        yield* input;
      } catch (cause) {
        throw new Error('mine', { cause });
      }
    };
    for (const code of [hiding, wrapping, forms[0]?.[1] as Transform]) {
      const source = new CarelessSource([Buffer.from('a')], lost);

      await expect(collect(transform(code, source))).rejects.toBe(lost);
    }
  });

  it.each([
    ['text', 'found string (a TextEncoder makes bytes of text)'],
    [7, 'found number'],
    [null, 'found null'],
  ])('is told what it has to give instead of %j', async (value, message) => {
    const code = async function* () {
      yield value as unknown as Uint8Array;
    };

    await expect(collect(transform(code, new CarelessSource([])))).rejects.toMatchObject({
      name: 'TransformFailed',
      message: expect.stringContaining(message),
    });
  });

  it('is told what it has to return instead of nothing', async () => {
    for (const code of [() => undefined, (_input: unknown, _context: unknown) => 'no']) {
      await expect(collect(transform(code as unknown as Transform, new CarelessSource([])))).rejects.toMatchObject({
        message: expect.stringContaining('must return a TransformStream'),
      });
    }
  });
});

describe('a module that does not come to an end', () => {
  it('is given up when it neither takes nor gives a byte for too long, and told so', async () => {
    let told: AbortSignal | undefined;
    const code: Transform = ({ signal }) => {
      told = signal;
      return stuck();
    };
    const source = new CarelessSource(inChunks(Buffer.from('abc'), [1]));

    await expect(collect(transform(code, source, { idleTimeoutMs: 30 }))).rejects.toMatchObject({
      name: 'TransformFailed',
      message: expect.stringContaining('30 ms (idleTimeoutMs)'),
    });
    expect(told?.aborted).toBe(true);
    expect(source.closed).toBe(true);
  });

  it('is not to blame for the time that its source or its reader takes', async () => {
    async function* slow(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < 3; at += 1) {
        await sleep(60);
        yield Buffer.from('a');
      }
    }
    for (const [, code] of forms) {
      let bytes = 0;
      for await (const chunk of transform(code, slow(), { idleTimeoutMs: 40 })) {
        await sleep(60);
        bytes += chunk.length;
      }

      expect(bytes).toBe(3);
    }
  });

  it('is left behind when its item is stopped, although it does not listen', async () => {
    const stop = new AbortController();
    const reason = new SkyhaulError('ItemTimeout', 'not done after 1 ms');
    const source = new CarelessSource(inChunks(Buffer.from('abc'), [1]));
    setTimeout(() => stop.abort(reason), 10);

    await expect(collect(transform(stuck, source, {}, aboutItem({ signal: stop.signal })))).rejects.toBe(reason);
    expect(source.closed).toBe(true);
  });
});

describe('a module that makes a result of bytes', () => {
  it('returns what stands in the outcome, as JSON', async () => {
    const source = new CarelessSource(inChunks(Buffer.alloc(MiB, 1), [100_000]));

    const result = await consume(async (input, { key, options }) => {
      let bytes = 0;
      for await (const chunk of input) bytes += chunk.length;
      return { key, bytes, options, when: new Date(0), left: undefined };
    }, source);

    expect(result).toEqual({ key: 'a', bytes: MiB, options: {}, when: '1970-01-01T00:00:00.000Z' });
  });

  it('may return nothing, and stop reading when it knows enough: the rest is read for it', async () => {
    const source = new CarelessSource(inChunks(Buffer.from('abcdef'), [1]));

    const result = await consume(async (input) => {
      for await (const _ of input) break;
    }, source);

    expect(result).toBeUndefined();
    expect(source.pulled).toBe(6);
  });

  it.each([
    ['too large', () => 'x'.repeat(16 * 1024), 'has 16386 bytes of JSON, at most 16384'],
    ['no JSON', () => 1n, 'BigInt'],
    ['an error', () => Promise.reject(new Error('my mistake')), 'my mistake'],
  ])('fails with a result that is %s', async (_name, code, message) => {
    await expect(consume(code, new CarelessSource([]))).rejects.toMatchObject({
      name: 'TransformFailed',
      message: expect.stringContaining(message),
    });
  });

  it('says no more than a hundred things, none of them long', async () => {
    const messages: string[] = [];
    const about = aboutItem({ log: (message) => void messages.push(message) });

    await consume(
      (_input, { log }) => {
        for (let at = 0; at < 1_000; at += 1) log('x'.repeat(5_000));
      },
      new CarelessSource([]),
      {},
      about,
    );

    expect(messages).toHaveLength(100);
    expect(messages[0]).toHaveLength(1_024);
  });
});
