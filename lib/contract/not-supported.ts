import type { Item } from './item.ts';
import type { Options } from './options.ts';
import { problemsError } from './parse.ts';
import { type Problem, problem } from './problem.ts';
import type { RequestOptions } from './request.ts';

/**
 * Fields that the contract names and this version does not build yet. They are refused by name: a field that is
 * silently ignored would store something else than was asked for.
 */
type Built<T> = { readonly [K in keyof T]-?: true | ((value: NonNullable<T[K]>) => readonly Problem[]) | false };

const BUILT_REQUEST: Built<RequestOptions> = {
  method: true,
  headers: true,
  userAgent: true,
  contact: true,
  query: true,
  body: true,
  auth: true,
  cookies: true,
  proxy: true,
  http: true,
  ca: true,
  clientCertificate: true,
  minTlsVersion: true,
};

const request = (value: RequestOptions) => unsupported(BUILT_REQUEST, value, 'request.');

const BUILT_ITEM: Built<Item> = {
  url: true,
  key: true,
  id: true,
  size: true,
  sha256: true,
  md5: true,
  crc32c: true,
  expect: true,
  contentType: true,
  metadata: true,
  request,
  headers: true,
  method: true,
  body: true,
  auth: true,
  range: true,
  timeoutMs: true,
  maxBytes: true,
  transform: true,
  backend: true,
  result: true,
  error: true,
};

const BUILT_OPTIONS: Built<Options> = {
  maxConcurrency: true,
  slots: true,
  perHostConnections: true,
  perHostRate: true,
  hosts: true,
  maxBytesPerSecond: true,
  overwrite: true,
  attempts: true,
  connectTimeoutMs: true,
  headersTimeoutMs: true,
  idleTimeoutMs: true,
  minBytesPerSecond: true,
  timeoutMs: true,
  hostAttempts: true,
  hostTimeoutMs: true,
  maxRedirects: true,
  maxItems: true,
  maxBytes: true,
  maxTotalBytes: true,
  maxFailures: true,
  maxHours: true,
  skipInvalid: true,
  limit: true,
  // `{filename}` too: it is put in when the source has answered.
  key: true,
  roundMinutes: true,
  storageClass: true,
  tags: true,
  cacheControl: true,
  kmsKeyId: true,
  request,
  transform: true,
  robots: true,
  duplicates: true,
};

/** Problems with `error: 'NotSupported'`, one for each field of the item that is not built yet. */
export function unsupportedInItem(item: Item): readonly Problem[] {
  return unsupported(BUILT_ITEM, item, '');
}

/** The same for the options of a batch. */
export function unsupportedInOptions(options: Options): readonly Problem[] {
  return unsupported(BUILT_OPTIONS, options, '');
}

/** @throws SkyhaulError `NotSupported` naming every option that is not built yet */
export function requireSupportedOptions(options: Options): void {
  const problems = unsupportedInOptions(options);
  if (problems.length > 0) throw problemsError('NotSupported', 'options', problems);
}

function unsupported<T extends object>(built: Built<T>, value: T, prefix: string): readonly Problem[] {
  return (Object.keys(value) as (keyof T & string)[]).flatMap((field) => {
    const given = value[field];
    if (given === undefined || given === null) return [];
    const rule = built[field];
    if (rule === true) return [];
    return rule === false ? [notYet(`${prefix}${field}`)] : rule(given);
  });
}

function notYet(what: string): Problem {
  return problem(what, 'nothing yet', `\`${what}\` is not supported yet`, 'NotSupported');
}
