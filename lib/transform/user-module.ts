/**
 * The user's own code between the source and the object: one module with a default export that makes bytes of bytes, an
 * export `consume` that makes a small result of them, or both. Code of ours never calls it but through `module-step.ts`.
 */
import type { ReadableStream, WritableStream } from 'node:stream/web';
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/** What a module is told about the item that it works on. */
export interface TransformContext {
  /** Of the source, without user info, query and fragment. */
  readonly url: string;
  readonly key: string;
  /** Of the manifest, from 1. */
  readonly line: number;
  readonly id: string | undefined;
  /** As the source calls it. */
  readonly contentType: string | undefined;
  /** Of the source, where it says so; not of what earlier steps make of it. */
  readonly bytes: number | undefined;
  /** Strong ETag of the source. */
  readonly etag: string | undefined;
  /** Of the step in the list; nobody has checked them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Aborted when the item is given up: whatever the module began for it should stop. */
  readonly signal: AbortSignal;
  /** Into the events and the log, at most 1,024 characters and 100 messages of an item. */
  readonly log: (message: string) => void;
}

/** A `TransformStream`, or whatever has its two ends. */
export interface TransformPair {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** The default export: called once for each item, and again when the item is tried again. */
export type Transform = (context: TransformContext) => TransformPair | Promise<TransformPair>;

/** The default export in its other form: an async generator function, or any function of two parameters. */
export type TransformGenerator = (
  input: ReadableStream<Uint8Array>,
  context: TransformContext,
) => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;

/** The export `consume`. What it returns stands in the outcome: JSON of at most 16 KiB, or nothing. */
export type Consume = (input: ReadableStream<Uint8Array>, context: TransformContext) => unknown;

export interface UserModule {
  /** Tells its code from that of any other: with another module, the same source makes another object. */
  readonly id: string;
  /** Name of its file as stacks show it. */
  readonly file: string;
  readonly transform?: Transform | TransformGenerator | undefined;
  readonly consume?: Consume | undefined;
}

/** Loads it when the first item asks for it. Throws what the module throws while it is loaded. */
export type LoadUserModule = () => Promise<UserModule>;

/** @throws SkyhaulError `BatchInvalid` for a module that exports neither, or something else under their names */
export function readUserModule(exports: object, about: Pick<UserModule, 'id' | 'file'>): UserModule {
  const transform = exported<Transform | TransformGenerator>(exports, 'default', about.file);
  const consume = exported<Consume>(exports, 'consume', about.file);
  if (transform || consume) return { ...about, transform, consume };
  const found = Object.keys(exports).join(', ') || 'nothing';
  throw new SkyhaulError(
    'BatchInvalid',
    `${about.file}: the module must export a function as \`default\` or as \`consume\`, found ${found}`,
  );
}

function exported<F>(exports: object, name: 'default' | 'consume', file: string): F | undefined {
  const value: unknown = Reflect.get(exports, name);
  if (value === undefined || typeof value === 'function') return value as F | undefined;
  throw new SkyhaulError('BatchInvalid', `${file}: \`${name}\` must be a function, found ${typeof value}`);
}
