/**
 * From what the caller gives to what the engine takes: the options of the contract with their defaults, and an item with
 * its key. Unknown names are refused with the nearest known one, fields that are not built yet by their name.
 */
import { z } from 'zod';
import { item as itemSchema } from '../contract/item.ts';
import { MAX_KEY_BYTES, MiB } from '../contract/limits.ts';
import { requireSupportedOptions } from '../contract/not-supported.ts';
import { type Options, options as optionsSchema } from '../contract/options.ts';
import { parseContract } from '../contract/parse.ts';
import { redactUrl } from '../errors/redact-url.ts';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { type CheckedItem, checkItem } from '../manifest/check-item.ts';
import { parseNetworks } from '../source/address-class.ts';
import type { ChunkListener, ItemInput } from './options.ts';
import type { ProgressListener } from './progress.ts';
import { type SplitBody, splitBody } from './split-body.ts';

const sourceShape = optionsSchema.pick({
  attempts: true,
  connectTimeoutMs: true,
  headersTimeoutMs: true,
  idleTimeoutMs: true,
  minBytesPerSecond: true,
  timeoutMs: true,
  maxRedirects: true,
  maxBytes: true,
  request: true,
  robots: true,
  transform: true,
}).shape;
const storeShape = optionsSchema.pick({ overwrite: true }).shape;
const hostShape = optionsSchema.pick({ perHostConnections: true }).shape;
/** Not the contract's others: its `key`, a template, is another one than an item's. */
const isOption = (name: string) => [sourceShape, storeShape, hostShape].some((shape) => Object.hasOwn(shape, name));

const sourceFields = itemSchema.pick({
  headers: true,
  method: true,
  body: true,
  auth: true,
  range: true,
  size: true,
  sha256: true,
  md5: true,
  crc32c: true,
  expect: true,
  backend: true,
}).shape;
const objectFields = itemSchema.pick({ contentType: true, metadata: true }).shape;
const downloadFields = itemSchema.pick({ key: true, id: true, result: true }).shape;

const hooks = {
  signal: z.instanceof(AbortSignal, { error: 'an AbortSignal' }).optional(),
  onProgress: listener<ProgressListener>().optional(),
  progressIntervalMs: z.int().min(0).default(250),
  allowNetworks: z.array(z.string()).readonly().default([]),
};
const place = {
  to: z.string().min(1),
  s3: z.record(z.string(), z.unknown()).optional(),
  memoryBytes: z
    .int()
    .min(16 * MiB)
    .optional(),
};
const writing = { ...sourceShape, ...storeShape, ...hooks, ...place, onChunk: listener<ChunkListener>().optional() };

const schemas = {
  stream: z.strictObject({
    ...sourceShape,
    ...hooks,
    ...sourceFields,
    chunkBytes: z
      .int()
      .min(1)
      .max(64 * MiB)
      .optional(),
  }),
  download: z.strictObject({ ...writing, ...sourceFields, ...objectFields, ...downloadFields }),
  downloadAll: z.strictObject({
    ...writing,
    concurrency: z.int().min(1).max(1_000).default(8),
    ...hostShape,
  }),
  upload: z.strictObject({ ...storeShape, ...place, ...objectFields, key: z.string(), signal: hooks.signal }),
};

type Schemas = typeof schemas;

export interface Settings<K extends keyof Schemas> {
  /** Of the library itself, checked, with defaults. */
  readonly own: z.output<Schemas[K]>;
  /** Of the engine; what cannot be said here has its default. */
  readonly options: Options;
  /** What was said of every item. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** @throws SkyhaulError `BatchInvalid` naming what is wrong, `NotSupported` */
export function readSettings<K extends keyof Schemas>(kind: K, given: object): Settings<K> {
  const own = parseContract(schemas[kind], splitBody(given).said, `options of ${kind}`) as z.output<Schemas[K]>;
  if ('allowNetworks' in own) parseNetworks(own.allowNetworks);
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  const options = optionsSchema.parse(Object.fromEntries(entries.filter(([name]) => isOption(name))));
  requireSupportedOptions(options);
  const isField = (name: string) => Object.hasOwn(itemSchema.shape, name) && !isOption(name);
  return { own, options, fields: Object.fromEntries(entries.filter(([name]) => isField(name))) };
}

/**
 * An item with its key, or what is wrong with it; with a body that it brings as a stream. `prefix` is what the destination
 * puts before every key.
 */
export function readItem(
  input: ItemInput,
  fields: Settings<'stream'>['fields'],
  prefix = '',
): CheckedItem & Pick<SplitBody, 'body'> {
  const given = typeof input === 'string' || input instanceof URL ? { url: String(input) } : input;
  const { said, body, problems } = splitBody({ ...fields, ...given });
  const checked = checkItem(said, MAX_KEY_BYTES - Buffer.byteLength(prefix));
  if (!checked.ok || problems.length === 0) {
    if (!checked.ok) body?.close();
    return { ...checked, body };
  }
  const { id, url } = checked.item;
  return { ok: false, problems, ...(id !== undefined && { id }), url: redactUrl(url) };
}

/** @throws SkyhaulError under the name of the first thing that is wrong */
export function requireItem(input: ItemInput, fields: Settings<'stream'>['fields']) {
  const checked = readItem(input, fields);
  if (checked.ok) return checked;
  const { error = 'BatchInvalid' } = checked.problems[0] ?? {};
  const problems = checked.problems.map(({ text }) => text);
  throw new SkyhaulError(error, problems.join('; '), { problems });
}

function listener<T>() {
  return z.custom<T>((value) => typeof value === 'function', 'a function');
}
