import { createHash } from 'node:crypto';
import type { Outcome } from '../../lib/contract/outcome.ts';
import { getLines } from '../../lib/ledger/json-lines.ts';
import { runKeys } from '../../lib/ledger/run-keys.ts';
import { crc32, crc32Hex } from '../../lib/store/crc32.ts';
import { META } from '../../lib/transfer/overwrite-policy.ts';
import type { CrashPlace } from './crash-place.ts';
import type { Version } from './crash-source.ts';

/** What a run broke: an invariant of its specification, and how. */
export interface Violation {
  readonly invariant: 'I1' | 'I2' | 'I3' | 'I4' | 'I8' | 'end';
  readonly found: string;
}

export interface Expected {
  readonly run: string;
  /** In the order of the list. */
  readonly items: readonly {
    readonly key: string;
    readonly versions: readonly Version[];
    /** What stood there before the run. */
    readonly old: Buffer | undefined;
  }[];
}

/** I1: under every key stands what stood there before, or exactly one version. */
export async function checkObjects(place: CrashPlace, { items }: Expected): Promise<Violation[]> {
  const found: Violation[] = [];
  const wrong = (what: string) => found.push({ invariant: 'I1', found: what });
  for (const { key, versions, old } of items) {
    const bytes = await place.bytesOf(key);
    if (bytes === undefined ? old === undefined : old?.equals(bytes)) continue;
    const version = bytes && versions.find((one) => one.bytes.equals(bytes));
    if (!version) {
      wrong(`${key}: ${bytes === undefined ? 'is gone' : `${bytes.length} bytes of no version`}`);
      continue;
    }
    const said = await place.destination.head(key);
    // On disk what is said of a file may be missing, not wrong.
    if (said?.crc32 !== undefined && said.crc32 !== crc32(version.bytes))
      wrong(`${key}: is said to have another CRC32`);
    const etag = said?.metadata[META.etag];
    if (etag !== undefined && etag !== version.etag) wrong(`${key}: is said to be version ${etag}`);
  }
  for (const { key, bytes, crc32: crc } of place.history()) {
    const item = items.find((one) => one.key === key);
    const known = [...(item?.versions ?? []).map((one) => one.bytes), ...(item?.old ? [item.old] : [])];
    if (!known.some((one) => one.length === bytes && crc32(one) === crc)) wrong(`${key}: was of no version once`);
  }
  return found;
}

/** I3, I4: one row per line in order, and what a row says is what stands there. */
export async function checkReport(place: CrashPlace, { run, items }: Expected): Promise<Violation[]> {
  const found: Violation[] = [];
  const rows: Outcome[] = [];
  for await (const line of getLines(place.state, runKeys(run).report)) rows.push(line as Outcome);
  const lines = rows.map(({ line }) => line).join(' ');
  const wanted = items.map((_, index) => index + 1).join(' ');
  if (lines !== wanted) found.push({ invariant: 'I4', found: `the report has the lines ${lines}, not ${wanted}` });
  for (const row of rows) {
    const item = items[row.line - 1];
    if (!item || row.outcome !== 'stored') continue;
    const bytes = await place.bytesOf(item.key);
    const wrong = bytes === undefined ? 'nothing stands there' : differenceOf(row, bytes, item.versions);
    if (wrong !== undefined) found.push({ invariant: 'I3', found: `${item.key}: ${wrong}` });
  }
  return found;
}

/** What the report says became of the lines that are not stored. */
export async function unstored(place: CrashPlace, run: string): Promise<string[]> {
  const found: string[] = [];
  for await (const line of getLines(place.state, runKeys(run).report)) {
    const { key, outcome, error, reason, message } = line as Outcome;
    if (outcome !== 'stored') found.push(`${key}: ${outcome} ${error ?? reason} ${message ?? ''}`);
  }
  return found;
}

/** I2: nothing half-done is left. */
export async function checkLeftovers(place: CrashPlace): Promise<Violation[]> {
  const uploads = (await place.uploads()).map((key) => `an open upload of ${key}`);
  const files = (await place.leftAfterADay()).map((name) => `the file ${name}`);
  return [...uploads, ...files].map((what) => ({ invariant: 'I2', found: `${what} is left` }));
}

/** Parts in the air when a process is killed: three on their way, one being filled. */
const PARTS_LOST = 4;
/** What is received and in no part yet when an answer is given up: the body's queue, and what undici hands on beside it. */
const QUEUE_BYTES = 256 * 1024;

export interface Fetched {
  readonly bytes: number;
  readonly kills: number;
  readonly requests: number;
  /** Transfers side by side. */
  readonly lanes: number;
  readonly partBytes: number;
  /** Nothing can be joined to what came before a kill. */
  readonly startsOver: boolean;
}

/** I8: what was fetched twice is what was in the air. */
export function checkFetched({ items }: Expected, fetched: Fetched): Violation[] {
  const { bytes, kills, requests, lanes, partBytes, startsOver } = fetched;
  const once = items.reduce((sum, { versions }) => sum + versions.reduce((all, one) => all + one.bytes.length, 0), 0);
  const perKill = startsOver ? once : lanes * PARTS_LOST * partBytes;
  const most = once + kills * perKill + requests * QUEUE_BYTES;
  if (bytes <= most) return [];
  return [{ invariant: 'I8', found: `${bytes} bytes were fetched for ${once} with ${kills} kills` }];
}

function differenceOf(row: Outcome, bytes: Buffer, versions: readonly Version[]): string | undefined {
  const version = versions.find((one) => one.bytes.equals(bytes));
  const facts: [string, unknown, unknown][] = [
    ['bytes', row.bytes, bytes.length],
    ['crc32', row.crc32, crc32Hex(crc32(bytes))],
    ['sha256', row.sha256 ?? sha256Of(bytes), sha256Of(bytes)],
    ['sourceEtag', row.sourceEtag, version?.etag],
  ];
  const [name, said, is] = facts.find(([, one, other]) => one !== other) ?? [];
  return name === undefined ? undefined : `${name} is said to be ${said}, is ${is}`;
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
