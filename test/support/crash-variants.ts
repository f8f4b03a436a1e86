import { MiB } from '../../lib/contract/limits.ts';
import type { Place } from './crash-job.ts';
import type { SourceShape } from './crash-source.ts';

/** A run to be killed: what it fetches, from what kind of source, and what stood there before. */
export interface Variant {
  /** Ends the sentence of a test's name. */
  readonly name: string;
  readonly place: Place['kind'];
  /** An object of other bytes stands under every key. */
  readonly replaces?: boolean;
  /** By key. */
  readonly sources: Readonly<Record<string, SourceShape>>;
  /** The list declares the SHA-256, so the bytes are read in order. */
  readonly declared?: boolean;
  /** Workers that may outlive what began them, on a stack; else all in one process. */
  readonly deployed?: boolean;
  readonly options?: object;
  readonly memoryBytes?: number;
  readonly maxParts?: number;
}

const ODD = 12_345;
/** Parts of a directory are made as small as this; S3 takes none below 5 MiB. */
export const PART_BYTES = { local: MiB, s3: 5 * MiB };

const local = (parts: number): SourceShape => ({ kind: 'ranges', bytes: parts * PART_BYTES.local + ODD });
const s3 = (parts: number): SourceShape => ({ kind: 'ranges', bytes: parts * PART_BYTES.s3 + ODD });
const changing = (shape: SourceShape, atRequest: number, bytes = shape.bytes): SourceShape => ({
  ...shape,
  change: { atRequest, bytes },
});
const cut = (shape: SourceShape, answers: number): SourceShape => ({
  ...shape,
  cuts: { answers, afterBytes: Math.floor(shape.bytes * 0.4) },
});
const SMALL: SourceShape = { kind: 'ranges', bytes: ODD };
const FEW = { empty: 0, small: ODD, part: 1, three: 3 };
const few = (partBytes: number) =>
  Object.fromEntries(
    Object.entries(FEW).map(([key, size]): [string, SourceShape] => [
      key,
      { kind: 'ranges', bytes: size < 10 ? size * partBytes : size },
    ]),
  );
/** Rounds so short that the file is left, and cut into ranges. */
const SPLIT = { roundMinutes: 0.006, perHostConnections: 3 };
const drip = { bytes: 256 * 1024, everyMs: 5 };

export const variants: readonly Variant[] = [
  { name: 'a new file', place: 'local', sources: { f: local(12) } },
  { name: 'a file that replaces another one', place: 'local', replaces: true, sources: { f: local(3) } },
  { name: 'a new object', place: 's3', sources: { f: s3(3) } },
  { name: 'an object that replaces another one', place: 's3', replaces: true, sources: { f: s3(2) } },
  {
    name: 'a file whose source breaks off and becomes another one of the same length',
    place: 'local',
    replaces: true,
    sources: { f: cut(changing(local(4), 3), 3) },
  },
  {
    name: 'an object whose source breaks off and becomes a shorter one',
    place: 's3',
    sources: { f: cut(changing(s3(3), 2, 2 * PART_BYTES.s3), 3) },
  },
  { name: 'a file of a source without validator', place: 'local', sources: { f: { ...local(3), kind: 'none' } } },
  {
    name: 'an object of a source without validator that becomes another one',
    place: 's3',
    replaces: true,
    sources: { f: changing({ ...s3(2), kind: 'none' }, 2) },
  },
  {
    name: 'a file that comes in chunks and becomes another one',
    place: 'local',
    sources: { f: cut(changing({ ...local(3), kind: 'chunked' }, 3), 1) },
  },
  { name: 'a small file that becomes another one', place: 'local', sources: { f: changing(SMALL, 2) } },
  {
    name: 'a small object that becomes another one',
    place: 's3',
    replaces: true,
    sources: { f: changing(SMALL, 2, 2 * ODD) },
  },
  { name: 'a file with a declared digest', place: 'local', declared: true, sources: { f: local(12) } },
  { name: 'a few files at once', place: 'local', replaces: true, sources: few(PART_BYTES.local) },
  { name: 'a few objects at once', place: 's3', sources: few(PART_BYTES.s3) },
  {
    name: 'a large file in ranges that becomes another one',
    place: 'local',
    sources: { f: changing({ ...local(20), drip }, 6) },
    options: SPLIT,
  },
  {
    name: 'a large object in ranges',
    place: 's3',
    replaces: true,
    sources: { f: { ...s3(10), drip } },
    options: SPLIT,
  },
  {
    name: 'a file whose parts are streamed',
    place: 'local',
    sources: { f: { kind: 'ranges', bytes: 34 * MiB } },
    memoryBytes: 16 * MiB,
    maxParts: 4,
  },
  { name: 'an object on a stack', place: 's3', deployed: true, sources: { f: s3(3) } },
];
