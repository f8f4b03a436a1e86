import type { ItemAbout } from '../../lib/transform/module-session.ts';
import { consumeByModule, transformByModule } from '../../lib/transform/module-step.ts';
import type { Consume, Transform, TransformContext, TransformGenerator } from '../../lib/transform/user-module.ts';

const spec = { idleTimeoutMs: 300_000 };

export function aboutItem(more: Partial<ItemAbout> = {}): ItemAbout {
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

export function transform(code: Transform | TransformGenerator, input: Input, more: object = {}, about = aboutItem()) {
  return transformByModule({ id: 'x', file: 'my-module.ts', transform: code }, { ...spec, ...more }, input, about);
}

export function consume(code: Consume, input: Input, more: object = {}, about = aboutItem()) {
  return consumeByModule({ id: 'x', file: 'my-module.ts', consume: code }, { ...spec, ...more }, input, about);
}

/** The bytes as they are, through each form that a module may have. */
export const forms: readonly (readonly [string, Transform | TransformGenerator])[] = [
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
