import type { OpenUploadState, UploadedPart } from '../contract/checkpoint.ts';
import type { CheckpointRow } from '../contract/ledger-row.ts';
import type { ItemState } from '../contract/work.ts';
import { crc32Hex } from '../store/crc32.ts';

/** Eight characters a part: a CRC32 in hexadecimal, or this. */
const MISSING = '--------';

/**
 * What the rows of any number of attempts say about the open upload of one item: pure, and the same whatever their order,
 * however often they stand there, and whichever of them is missing; a missing row costs bytes that are fetched again.
 * `before` is what the rounds before knew.
 */
export function foldCheckpoints(rows: readonly CheckpointRow[], before: ItemState = {}): ItemState {
  const dropped = new Set<string>();
  let restarts = before.restarts ?? 0;
  let whole = before.whole ?? false;
  for (const row of rows) {
    if (row.row !== 'checkpoint' && row.row !== 'dropped') continue;
    restarts = Math.max(restarts, row.restarts);
    if (row.row !== 'dropped') continue;
    dropped.add(row.upload);
    whole ||= row.whole === true;
  }
  const open = newestUpload(rows, before, dropped);
  return {
    ...(open && { open: withRows(open, rows) }),
    ...(restarts > 0 && { restarts }),
    ...(whole && { whole }),
    ...(before.resumes !== undefined && { resumes: before.resumes }),
  };
}

/**
 * The upload to go on with. Two attempts may have begun one each, unaware of each other: whoever folds must choose the
 * same, first the later version, then the one the plan knows, then the one with more parts.
 */
function newestUpload(
  rows: readonly CheckpointRow[],
  before: ItemState,
  dropped: ReadonlySet<string>,
): OpenUploadState | undefined {
  const known = before.open ? [{ restarts: before.restarts ?? 0, isKnown: true, open: before.open }] : [];
  const begun = rows.flatMap((row) => {
    if (row.row !== 'checkpoint' || row.upload === before.open?.upload) return [];
    const { row: _, index: __, line: ___, restarts, ...rest } = row;
    return [{ restarts, isKnown: false, open: { ...rest, crc32s: '' } }];
  });
  return [...known, ...begun]
    .filter(({ open }) => !dropped.has(open.upload))
    .map((candidate) => ({ ...candidate, parts: partsIn(rows, candidate.open.upload) }))
    .sort(
      (a, b) =>
        b.restarts - a.restarts ||
        Number(b.isKnown) - Number(a.isKnown) ||
        b.parts - a.parts ||
        (a.open.upload < b.open.upload ? -1 : 1),
    )[0]?.open;
}

function partsIn(rows: readonly CheckpointRow[], upload: string): number {
  return new Set(rows.flatMap((row) => (row.row === 'part' && row.upload === upload ? [row.number] : []))).size;
}

function withRows(open: OpenUploadState, rows: readonly CheckpointRow[]): OpenUploadState {
  const parts = new Map(knownParts(open).map((part) => [part.number, part]));
  let { digests } = open;
  for (const row of rows) {
    if (row.row === 'checkpoint' || row.row === 'dropped' || row.upload !== open.upload) continue;
    if (row.row === 'part') {
      const { row: _, index: __, upload: ___, ...part } = row;
      parts.set(part.number, part);
    } else if (!digests || row.parts > digests.parts) digests = { parts: row.parts, state: row.state };
  }
  return withParts({ ...open, ...(digests && { digests }) }, parts.values());
}

/** How many parts an attempt need not send again. */
export function partsOf(open: OpenUploadState): number {
  return open.digests?.parts ?? knownParts(open).length;
}

/** The parts that a state speaks of. Their sizes follow from the plan and are not kept. */
export function knownParts(open: OpenUploadState): UploadedPart[] {
  const found: UploadedPart[] = [];
  for (let number = 1; number * 8 <= open.crc32s.length; number += 1) {
    const crc32 = digitsAt(open.crc32s, number);
    if (crc32 === undefined) continue;
    const crc32c = digitsAt(open.crc32cs ?? '', number);
    const bytes = Math.min(open.partBytes, open.version.bytes - (number - 1) * open.partBytes);
    found.push({ number, bytes, crc32, ...(crc32c !== undefined && { crc32c }) });
  }
  return found;
}

/** The state with exactly these parts. */
function withParts(open: OpenUploadState, parts: Iterable<UploadedPart>): OpenUploadState {
  const crc32s: string[] = [];
  const crc32cs: string[] = [];
  for (const { number, crc32, crc32c } of parts) {
    crc32s[number - 1] = crc32Hex(crc32);
    if (crc32c !== undefined) crc32cs[number - 1] = crc32Hex(crc32c);
  }
  const { crc32cs: _, ...rest } = open;
  return { ...rest, crc32s: joined(crc32s), ...(crc32cs.length > 0 && { crc32cs: joined(crc32cs) }) };
}

function joined(digits: readonly string[]): string {
  return Array.from(digits, (one) => one ?? MISSING).join('');
}

function digitsAt(text: string, number: number): number | undefined {
  const digits = text.slice((number - 1) * 8, number * 8);
  return digits.length < 8 || digits === MISSING ? undefined : Number.parseInt(digits, 16);
}
