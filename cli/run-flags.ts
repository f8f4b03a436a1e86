import type { z } from 'zod';
import { type ManifestSpec, manifestFormats, runId } from '../lib/contract/batch-input.ts';
import { type Options, options } from '../lib/contract/options.ts';
import { SkyhaulError, toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { parseNetworks } from '../lib/source/address-class.ts';
import { type ListArgument, readListArgument } from './list-argument.ts';
import { readHeaders } from './read-headers.ts';
import { parseBytes, parseDuration } from './units.ts';

/**
 * From the words of the command line to what a run needs. Every problem is found before anything starts, and all of
 * them are named at once. Values of headers are never repeated in a message.
 */
export interface RawRunFlags {
  readonly to?: string;
  readonly run?: string;
  readonly format?: string;
  readonly urlColumn?: string;
  readonly keyColumn?: string;
  readonly allowNetwork?: readonly string[];
  readonly header?: readonly string[];
  readonly endpoint?: string;
  readonly region?: string;
  readonly overwrite?: string;
  readonly maxConcurrency?: string;
  readonly slots?: string;
  readonly perHostConnections?: string;
  readonly attempts?: string;
  readonly maxBytes?: string;
  readonly limit?: string;
  readonly skipInvalid?: boolean;
  readonly connectTimeout?: string;
  readonly headersTimeout?: string;
  readonly idleTimeout?: string;
  readonly timeout?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly progress?: boolean;
}

export interface RunFlags {
  readonly list: ListArgument;
  /** As the user wrote it. */
  readonly to: string;
  readonly run: string | undefined;
  readonly reading: Pick<ManifestSpec, 'format' | 'urlColumn' | 'keyColumn'>;
  readonly options: Partial<Options>;
  readonly allowNetworks: readonly string[];
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly progress: boolean;
}

type Read<T> = (text: string) => T | undefined;

const wholeNumber: Read<number> = (text) => (/^\d+$/.test(text) ? Number(text) : undefined);
const asIs: Read<string> = (text) => text;

/** Throws BatchInvalid, with every problem. */
export function readRunFlags(words: readonly string[], raw: RawRunFlags): RunFlags {
  const problems: string[] = [];

  /** One flag through its reader and through the schema of the option it sets, so that limits stand in one place. */
  function flag<T>(name: string, text: string | undefined, read: Read<T>, wanted: string, schema: z.ZodType<unknown>) {
    if (text === undefined) return undefined;
    const value = read(text);
    const issue = value === undefined ? undefined : schema.safeParse(value).error?.issues[0];
    if (value !== undefined && issue === undefined) return value;
    problems.push(`${name}: ${issue?.message ?? wanted}, found ${JSON.stringify(text)}`);
    return undefined;
  }

  const number = (name: string, text: string | undefined, schema: z.ZodType<unknown>) =>
    flag(name, text, wholeNumber, 'must be a whole number', schema);
  const duration = (name: string, text: string | undefined, schema: z.ZodType<unknown>) =>
    flag(name, text, parseDuration, 'must be a time with its unit, such as 500ms, 30s or 2m', schema);

  const { shape } = options;
  const list = readListArgument(words);
  if ('problem' in list) problems.push(list.problem);
  if (!raw.to) problems.push('--to: say where to: a directory or s3://bucket/prefix');
  const scheme = /^([a-z][a-z0-9+.-]+):\//i.exec(raw.to ?? '')?.[1];
  if (scheme !== undefined && scheme !== 's3') problems.push(`--to: ${scheme}: is not supported; s3:// or a directory`);
  const run = flag('--run', raw.run, asIs, '', runId);
  if (words.length === 0 && raw.run === undefined) {
    problems.push('give a list, URLs or - for standard input; or --run <id> to continue a run');
  }
  problems.push(...networkProblems(raw.allowNetwork ?? []).map((text) => `--allow-network: ${text}`));
  if (raw.endpoint !== undefined && !isEndpoint(raw.endpoint)) {
    problems.push('--endpoint: must be an http or https URL without user name, query or fragment');
  }
  const headers = readHeaders(raw.header ?? []);
  problems.push(...headers.problems);

  const asked: Partial<Options> = {
    maxConcurrency: number('--max-concurrency', raw.maxConcurrency, shape.maxConcurrency),
    slots: number('--slots', raw.slots, shape.slots),
    perHostConnections: number('--per-host-connections', raw.perHostConnections, shape.perHostConnections),
    attempts: number('--attempts', raw.attempts, shape.attempts),
    limit: number('--limit', raw.limit, shape.limit),
    maxBytes: flag('--max-bytes', raw.maxBytes, parseBytes, 'must be bytes, or a size such as 5GiB', shape.maxBytes),
    connectTimeoutMs: duration('--connect-timeout', raw.connectTimeout, shape.connectTimeoutMs),
    headersTimeoutMs: duration('--headers-timeout', raw.headersTimeout, shape.headersTimeoutMs),
    idleTimeoutMs: duration('--idle-timeout', raw.idleTimeout, shape.idleTimeoutMs),
    timeoutMs: duration('--timeout', raw.timeout, shape.timeoutMs),
    overwrite: raw.overwrite as Options['overwrite'] | undefined,
    skipInvalid: raw.skipInvalid,
    request: Object.keys(headers.headers).length > 0 ? { headers: headers.headers } : undefined,
  };
  const reading = {
    format: raw.format as ManifestSpec['format'],
    urlColumn: raw.urlColumn,
    keyColumn: raw.keyColumn,
  };

  const given = { ...defined(reading), ...defined(asked) };
  if (words.length === 0 && Object.keys(given).length > 0) {
    problems.push(`a continued run keeps what it was started with; leave out: ${Object.keys(given).join(', ')}`);
  }

  if (problems.length > 0 || 'problem' in list) {
    throw new SkyhaulError('BatchInvalid', 'the command line cannot be carried out', { problems });
  }
  return {
    list,
    to: raw.to ?? '',
    run,
    reading: defined(reading),
    options: defined(asked),
    allowNetworks: raw.allowNetwork ?? [],
    endpoint: raw.endpoint,
    region: raw.region,
    json: raw.json ?? false,
    quiet: raw.quiet ?? false,
    progress: raw.progress ?? true,
  };
}

/** The choices that commander checks by itself. */
export const formatChoices = manifestFormats;
export const overwriteChoices = options.shape.overwrite.unwrap().options;

/** Without the keys that nobody gave, so that a default is the engine's and not ours. */
function defined<T extends object>(record: T): Partial<T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function networkProblems(cidrs: readonly string[]): readonly string[] {
  try {
    parseNetworks(cidrs);
    return [];
  } catch (error) {
    return toSkyhaulError(error).details.problems ?? [];
  }
}

function isEndpoint(text: string): boolean {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}
