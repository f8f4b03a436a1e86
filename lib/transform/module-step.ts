/**
 * A user's module as a step: bytes in, bytes out, at the pace of whoever reads, in as much memory as the module takes. What
 * it leaves of its input is read to the end all the same. As a consumer it comes last, and a small result comes out.
 */
import { types } from 'node:util';
import { KiB } from '../contract/limits.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type ItemAbout, ModuleSession, type ModuleStepSpec, moduleFailure } from './module-session.ts';
import type { Transform, TransformGenerator, TransformPair, UserModule } from './user-module.ts';

/** A row of the ledger is no place for more. */
const MAX_RESULT_BYTES = 16 * KiB;

/** Bytes of bytes. Throws TransformFailed for whatever the module throws, wherever it throws it. */
export async function* transformByModule(
  module: UserModule & { readonly transform: Transform | TransformGenerator },
  spec: ModuleStepSpec,
  input: AsyncIterable<Uint8Array>,
  about: ItemAbout,
): AsyncGenerator<Uint8Array> {
  const session = new ModuleSession(module, spec, input, about);
  let output: Output | undefined;
  try {
    output = await session.run(() => openOutput(module.transform, session));
    const { next } = output;
    for (;;) {
      const chunk = await session.run(next);
      if (chunk.done) break;
      if (!types.isUint8Array(chunk.value)) throw notBytes(chunk.value);
      yield chunk.value;
    }
    await session.finish();
  } finally {
    await session.close(output?.close);
  }
}

/** A result of bytes. Throws TransformFailed, also for a result that is no JSON or too large. */
export async function consumeByModule(
  module: UserModule & { readonly consume: NonNullable<UserModule['consume']> },
  spec: ModuleStepSpec,
  input: AsyncIterable<Uint8Array>,
  about: ItemAbout,
): Promise<unknown> {
  const session = new ModuleSession(module, spec, input, about);
  try {
    const value = await session.run(() => module.consume(session.input.stream, session.context));
    await session.finish();
    return jsonOf(value);
  } finally {
    await session.close();
  }
}

interface Output {
  readonly next: () => Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>;
  readonly close: () => unknown;
}

async function openOutput(transform: Transform | TransformGenerator, session: ModuleSession): Promise<Output> {
  const { input, context } = session;
  if (!takesInput(transform)) {
    const pair = await transform(context);
    if (!isPair(pair)) throw notAStream(pair);
    return outputOf(input.stream.pipeThrough(pair));
  }
  const made: unknown = await transform(input.stream, context);
  if (!isIterable(made)) throw notAStream(made);
  return outputOf(made);
}

/** Streams are read by a reader, which can be cancelled while it waits; an iterator would wait first. */
function outputOf(output: AsyncIterable<unknown>): Output {
  if (output instanceof ReadableStream) {
    const reader = output.getReader();
    return { next: () => reader.read(), close: () => reader.cancel() };
  }
  const chunks = output[Symbol.asyncIterator]();
  return { next: () => chunks.next(), close: () => chunks.return?.() };
}

function takesInput(transform: Transform | TransformGenerator): transform is TransformGenerator {
  return transform.length >= 2 || types.isGeneratorFunction(transform);
}

function isPair(value: unknown): value is TransformPair {
  if (typeof value !== 'object' || value === null || !('readable' in value) || !('writable' in value)) return false;
  return value.readable instanceof ReadableStream && value.writable instanceof WritableStream;
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function notAStream(value: unknown): SkyhaulError {
  const allowed = 'a TransformStream, or with `(input, context)` an async iterable of bytes';
  return new SkyhaulError(
    'TransformFailed',
    `module: the default export must return ${allowed}, found ${kindOf(value)}.`,
  );
}

function notBytes(value: unknown): SkyhaulError {
  const hint = typeof value === 'string' ? ' (a TextEncoder makes bytes of text)' : '';
  return new SkyhaulError('TransformFailed', `module: it must give Uint8Arrays, found ${kindOf(value)}${hint}.`);
}

function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

/** As it is now, whatever the module does with it later. */
function jsonOf(value: unknown): unknown {
  const text = textOf(value);
  if (text === undefined) return undefined;
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_RESULT_BYTES) return JSON.parse(text);
  throw new SkyhaulError(
    'TransformFailed',
    `module: the result of \`consume\` has ${bytes} bytes of JSON, at most ${MAX_RESULT_BYTES} are allowed.`,
  );
}

function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw moduleFailure(error);
  }
}
