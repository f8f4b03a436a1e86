import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Item } from '../../lib/contract/item.ts';
import { MiB } from '../../lib/contract/limits.ts';
import type { Outcome } from '../../lib/contract/outcome.ts';
import type { ErrorName } from '../../lib/errors/catalogue.ts';
import { USUAL_PART_BYTES } from '../../lib/store/part-plan.ts';
import { bytesOf } from '../support/origin-bytes.ts';

/** The twenty items of the smoke test: what lies at the source, what the list says about it, and what must come of it. */
export interface SmokeItem {
  readonly title: string;
  /** Name of the source below `smoke-sources/`. */
  readonly source: string;
  readonly says?: Partial<Item>;
  readonly expected: Expected;
}

export type Expected =
  | { readonly outcome: 'stored'; readonly verified: NonNullable<Outcome['verified']> }
  | { readonly outcome: 'skipped'; readonly reason: NonNullable<Outcome['reason']> }
  | { readonly outcome: 'failed'; readonly errors: readonly ErrorName[] };

export interface Source {
  readonly body: Buffer;
  readonly contentType?: string;
  readonly contentEncoding?: string;
}

const CSV = 'name,city\n"Müller, A.",Köln\n"multi\nline",東京\n';
const PART = USUAL_PART_BYTES;

export const sources: Readonly<Record<string, Source>> = {
  empty: { body: Buffer.alloc(0) },
  'one-byte': { body: Buffer.from('x') },
  'text.txt': { body: Buffer.from('Grüße\n'), contentType: 'text/plain; charset=utf-8' },
  'table.csv': { body: Buffer.from(CSV), contentType: 'text/csv' },
  'data.json': { body: Buffer.from('{"a":[1,null]}'), contentType: 'application/json' },
  'packed.csv': { body: gzipSync(CSV.repeat(2_000)), contentType: 'text/csv', contentEncoding: 'gzip' },
  'naïve – 東京 🚚.txt': { body: Buffer.from('unicode') },
  'a b+c&d=e (1) 100%25.bin': { body: bytesOf('signs', 1_000) },
  zeros: { body: Buffer.alloc(3 * MiB) },
  'part-less-one': { body: bytesOf('part-1', PART - 1) },
  part: { body: bytesOf('part', PART) },
  'part-and-one': { body: bytesOf('part+1', PART + 1) },
  'two-parts': { body: bytesOf('parts', 2 * PART) },
  'many-parts': { body: bytesOf('many', 4 * PART + 12_345) },
};

const bodyOf = (name: string) => sources[name]?.body ?? Buffer.alloc(0);
const digestOf = (algorithm: string, name: string) => createHash(algorithm).update(bodyOf(name)).digest('hex');
const stored = (verified: NonNullable<Outcome['verified']> = 'length'): Expected => ({ outcome: 'stored', verified });
const failed = (...errors: ErrorName[]): Expected => ({ outcome: 'failed', errors });

export const smokeItems: readonly SmokeItem[] = [
  { title: 'no bytes', source: 'empty', expected: stored() },
  { title: 'one byte', source: 'one-byte', expected: stored() },
  { title: 'text', source: 'text.txt', expected: stored() },
  { title: 'CSV', source: 'table.csv', expected: stored() },
  { title: 'JSON, declared size', source: 'data.json', says: { size: 14 }, expected: stored() },
  { title: 'Content-Encoding gzip', source: 'packed.csv', expected: stored() },
  { title: 'name in Unicode', source: 'naïve – 東京 🚚.txt', expected: stored() },
  { title: 'name of signs', source: 'a b+c&d=e (1) 100%25.bin', expected: stored() },
  { title: 'key from the URL', source: 'zeros', says: { key: undefined }, expected: stored() },
  { title: 'a part less one byte', source: 'part-less-one', expected: stored() },
  { title: 'one part', source: 'part', expected: stored() },
  { title: 'a part and one byte', source: 'part-and-one', expected: stored() },
  {
    title: 'two parts, MD5',
    source: 'two-parts',
    says: { md5: digestOf('md5', 'two-parts') },
    expected: stored('digest'),
  },
  {
    title: 'several parts, SHA-256',
    source: 'many-parts',
    says: { sha256: digestOf('sha256', 'many-parts') },
    expected: stored('digest'),
  },
  {
    title: 'type and metadata set',
    source: 'one-byte',
    says: { key: 'described', contentType: 'application/x-smoke', metadata: { kind: 'smoke' } },
    expected: stored(),
  },
  {
    title: 'same source, other key',
    source: 'part-and-one',
    says: { key: 'again', sha256: digestOf('sha256', 'part-and-one') },
    expected: stored('digest'),
  },
  { title: 'the same line again', source: 'text.txt', expected: { outcome: 'skipped', reason: 'duplicate' } },
  // S3 says 403 to those who may not list the bucket.
  { title: 'not there', source: 'missing', expected: failed('NotFound', 'AccessDenied') },
  {
    title: 'wrong SHA-256',
    source: 'part-and-one',
    says: { key: 'wrong-sha256', sha256: '0'.repeat(64) },
    expected: failed('DigestMismatch'),
  },
  {
    title: 'wrong size',
    source: 'data.json',
    says: { key: 'wrong-size', size: 15 },
    expected: failed('SizeMismatch'),
  },
];

/** The list, JSON Lines. */
export function manifestOf(urlOf: (source: string) => string): string {
  return smokeItems
    .map(({ source, says }) => `${JSON.stringify({ url: urlOf(source), key: source, ...says })}\n`)
    .join('');
}
