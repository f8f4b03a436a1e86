import { type ManifestSpec, manifestFormats, runId } from '../lib/contract/batch-input.ts';
import { type Options, options } from '../lib/contract/options.ts';
import type { ProxyOption } from '../lib/contract/proxy.ts';
import { request } from '../lib/contract/request.ts';
import { toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { readKeyTemplate } from '../lib/manifest/key-template.ts';
import type { FlagReader } from './flag-reader.ts';
import { type ListArgument, readListArgument } from './list-argument.ts';
import { readHeaders } from './read-headers.ts';
import { parseRate, readHostLimits } from './read-host-limits.ts';
import { readProxy } from './read-proxy.ts';
import { readTransform } from './read-transform.ts';

/**
 * What `run` and `submit` have in common: a list, how to read it, and the options of its run. Values of headers are never
 * repeated in a message.
 */
export interface RawListFlags {
  readonly run?: string;
  readonly format?: string;
  readonly urlColumn?: string;
  readonly keyColumn?: string;
  readonly key?: string;
  readonly expand?: boolean;
  readonly header?: readonly string[];
  readonly userAgent?: string;
  readonly contact?: string;
  readonly robots?: boolean;
  readonly proxy?: string;
  readonly transform?: readonly string[];
  readonly endpoint?: string;
  readonly region?: string;
  readonly overwrite?: string;
  readonly duplicates?: string;
  readonly maxConcurrency?: string;
  readonly slots?: string;
  readonly perHostConnections?: string;
  readonly perHostRate?: string;
  readonly host?: readonly string[];
  readonly maxBytesPerSecond?: string;
  readonly attempts?: string;
  readonly maxBytes?: string;
  readonly limit?: string;
  readonly maxTotalBytes?: string;
  readonly maxFailures?: string;
  readonly maxHours?: string;
  readonly hostAttempts?: string;
  readonly hostTimeout?: string;
  readonly skipInvalid?: boolean;
  readonly connectTimeout?: string;
  readonly headersTimeout?: string;
  readonly idleTimeout?: string;
  readonly timeout?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly progress?: boolean;
}

export interface ListFlags {
  readonly list: ListArgument;
  readonly run: string | undefined;
  readonly reading: Pick<ManifestSpec, 'format' | 'urlColumn' | 'keyColumn' | 'expand'>;
  readonly options: Partial<Options>;
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly progress: boolean;
}

const decimal = (text: string) => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : undefined);

/** What the reader has found wrong is not to be used. */
export function readListFlags(words: readonly string[], raw: RawListFlags, reader: FlagReader): ListFlags {
  const { problems } = reader;
  const { shape } = options;
  const list = readListArgument(words);
  if ('problem' in list) problems.push(list.problem);
  const run = reader.flag('--run', raw.run, (text) => text, '', runId);
  if (words.length === 0 && raw.run === undefined) {
    problems.push('give a list, URLs or - for standard input; or --run <id> to continue a run');
  }
  reader.endpoint(raw.endpoint);
  const headers = readHeaders(raw.header ?? []);
  problems.push(...headers.problems);
  const userAgent = reader.flag('--user-agent', raw.userAgent, (text) => text, '', request.shape.userAgent);
  const contact = reader.flag('--contact', raw.contact, (text) => text, '', request.shape.contact);
  const proxy = readProxy(raw.proxy);
  problems.push(...proxy.problems);
  const hostLimits = readHostLimits(raw.host ?? []);
  problems.push(...hostLimits.problems);
  const transform = readTransform(raw.transform ?? []);
  problems.push(...transform.problems);

  const asked: Partial<Options> = {
    maxConcurrency: reader.number('--max-concurrency', raw.maxConcurrency, shape.maxConcurrency),
    slots: reader.number('--slots', raw.slots, shape.slots),
    perHostConnections: reader.number('--per-host-connections', raw.perHostConnections, shape.perHostConnections),
    perHostRate: reader.flag(
      '--per-host-rate',
      raw.perHostRate,
      parseRate,
      'must be requests a second, or 5:20 with a burst',
      shape.perHostRate,
    ),
    hosts: hostLimits.hosts.length > 0 ? hostLimits.hosts : undefined,
    maxBytesPerSecond: reader.bytes('--max-bytes-per-second', raw.maxBytesPerSecond, '20MiB', shape.maxBytesPerSecond),
    attempts: reader.number('--attempts', raw.attempts, shape.attempts),
    limit: reader.number('--limit', raw.limit, shape.limit),
    maxFailures: reader.number('--max-failures', raw.maxFailures, shape.maxFailures),
    maxTotalBytes: reader.bytes('--max-total-bytes', raw.maxTotalBytes, '500GiB', shape.maxTotalBytes),
    maxHours: reader.flag('--max-hours', raw.maxHours, decimal, 'must be a number, such as 12 or 0.5', shape.maxHours),
    hostAttempts: reader.number('--host-attempts', raw.hostAttempts, shape.hostAttempts),
    hostTimeoutMs: reader.duration('--host-timeout', raw.hostTimeout, shape.hostTimeoutMs),
    maxBytes: reader.bytes('--max-bytes', raw.maxBytes, '5GiB', shape.maxBytes),
    connectTimeoutMs: reader.duration('--connect-timeout', raw.connectTimeout, shape.connectTimeoutMs),
    headersTimeoutMs: reader.duration('--headers-timeout', raw.headersTimeout, shape.headersTimeoutMs),
    idleTimeoutMs: reader.duration('--idle-timeout', raw.idleTimeout, shape.idleTimeoutMs),
    timeoutMs: reader.duration('--timeout', raw.timeout, shape.timeoutMs),
    overwrite: raw.overwrite as Options['overwrite'] | undefined,
    duplicates: raw.duplicates as Options['duplicates'],
    skipInvalid: raw.skipInvalid,
    key: readKey(raw.key, reader),
    transform: transform.spec,
    robots: raw.robots,
    request: requestOf(headers.headers, userAgent, contact, proxy.proxy),
  };
  const reading = {
    format: raw.format as ManifestSpec['format'],
    urlColumn: raw.urlColumn,
    keyColumn: raw.keyColumn,
    // On unless it is turned off.
    expand: raw.expand === false ? false : undefined,
  };

  const given = { ...defined(reading), ...defined(asked) };
  if (words.length === 0 && Object.keys(given).length > 0) {
    problems.push(`a continued run keeps what it was started with; leave out: ${Object.keys(given).join(', ')}`);
  }
  return {
    list: 'problem' in list ? { kind: 'none' } : list,
    run,
    reading: defined(reading),
    options: defined(asked),
    endpoint: raw.endpoint,
    region: raw.region,
    json: raw.json ?? false,
    quiet: raw.quiet ?? false,
    progress: raw.progress ?? true,
  };
}

function readKey(text: string | undefined, reader: FlagReader): string | undefined {
  const key = reader.flag('--key', text, (word) => word, '', options.shape.key);
  try {
    if (key !== undefined) readKeyTemplate(key, 0);
    return key;
  } catch (error) {
    reader.problems.push(`--key: ${toSkyhaulError(error).message}`);
    return undefined;
  }
}

function requestOf(
  headers: Record<string, string>,
  userAgent: string | undefined,
  contact: string | undefined,
  proxy: ProxyOption | undefined,
): Options['request'] {
  const given = {
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(userAgent !== undefined && { userAgent }),
    ...(contact !== undefined && { contact }),
    ...(proxy !== undefined && { proxy }),
  };
  return Object.keys(given).length > 0 ? given : undefined;
}

/** The choices that commander checks by itself. */
export const formatChoices = manifestFormats;
export const overwriteChoices = options.shape.overwrite.unwrap().options;
export const duplicatesChoices = options.shape.duplicates.unwrap().options;

/** Without the keys that nobody gave, so that a default is the engine's and not ours. */
function defined<T extends object>(record: T): Partial<T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Partial<T>;
}
