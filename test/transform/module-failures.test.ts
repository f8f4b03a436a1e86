import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import type { Transform, TransformGenerator, TransformPair } from '../../lib/transform/user-module.ts';
import { CarelessSource, collect, inChunks } from './byte-streams.ts';
import { aboutItem, forms, transform } from './module-code.ts';

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
      message: expect.stringMatching(/my mistake\n +at .*module-failures\.test\.ts/),
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
