import { needsOrder } from '../contract/checkpoint.ts';
import { MiB } from '../contract/limits.ts';
import type { ItemWork } from '../contract/work.ts';
import { knownParts } from '../ledger/fold-checkpoints.ts';
import { cutIntoRanges, missingRuns, type PartRun } from '../store/part-runs.ts';
import type { Left } from './status.ts';

/** What is left of an item, or a range of it: what a lane takes. */
export interface Piece extends Pick<Left, 'host' | 'bytes' | 'most'> {
  readonly left: Left;
  /** A range of the item's parts; none: all that is left of it, with the commit. */
  readonly parts?: ItemWork['parts'];
  /** Its host refused when it was asked last. */
  readonly probe?: boolean;
}

/** What most pieces are, of a million of them: so it takes no more memory than a pointer. */
class Whole implements Piece {
  readonly left: Left;

  constructor(left: Left) {
    this.left = left;
  }

  get host() {
    return this.left.host;
  }

  get bytes() {
    return this.left.bytes;
  }

  get most() {
    return this.left.most;
  }
}

/** Less is not worth a second connection: 64 MiB, which are eight parts of the usual size. */
const LEAST_SPLIT_BYTES = 64 * MiB;
const LEAST_SPLIT_PARTS = 8;
/** Ranges for each lane of a host: who is done early takes another one. */
const RANGES_PER_LANE = 2;

/**
 * Cuts large files into ranges, pure: those with an open upload of a version that can be asked for by Range. A file whose
 * digest needs its bytes in order stays whole, and so does one whose parts are all there: it has only its commit left.
 */
export function piecesOf(ready: readonly Left[], connectionsOf: (host: string) => number): Piece[] {
  const pieces: Piece[] = [];
  for (const left of ready) {
    const { open } = left;
    if (!open || needsOrder(open.wanted) || left.most === 1) pieces.push(new Whole(left));
    else pieces.push(...rangesOf(left, open, connectionsOf));
  }
  return pieces;
}

function rangesOf(left: Left, open: NonNullable<Left['open']>, connectionsOf: (host: string) => number): Piece[] {
  const { host, most } = left;
  const plan = { bytes: open.version.bytes, partBytes: open.partBytes };
  const runs = missingRuns(plan, new Set(knownParts(open).map(({ number }) => number)));
  const bytesOf = ({ first, last }: PartRun) => (last - first + 1) * open.partBytes;
  const missing = runs.reduce((sum, run) => sum + bytesOf(run), 0);
  const least = Math.min(LEAST_SPLIT_BYTES, LEAST_SPLIT_PARTS * open.partBytes);
  if (missing < least) return [{ left, host, most, bytes: missing }];
  return cutIntoRanges(runs, connectionsOf(host) * RANGES_PER_LANE).map(
    (parts): Piece => ({ left, host, most, parts, bytes: bytesOf(parts) }),
  );
}
