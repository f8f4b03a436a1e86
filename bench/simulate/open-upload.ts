import { MiB } from '../../lib/contract/limits.ts';
import type { Piece } from '../../lib/plan/pieces.ts';
import { piecesOf } from '../../lib/plan/pieces.ts';
import type { Left } from '../../lib/plan/status.ts';
import { USUAL_PART_BYTES } from '../../lib/store/part-plan.ts';

/** Files of more than one part keep what they have stored from round to round. */
export function isInParts(bytes: number): boolean {
  return bytes > USUAL_PART_BYTES;
}

/** An upload that is open between rounds: which of its parts stand, 1 for each. */
export class OpenUpload {
  readonly bytes: number;
  readonly parts: Uint8Array;

  constructor(bytes: number) {
    this.bytes = bytes;
    this.parts = new Uint8Array(Math.ceil(bytes / USUAL_PART_BYTES));
  }

  /** Bytes that are missing from part `first` to part `last`. */
  missing({ first, last } = { first: 1, last: this.parts.length }): number {
    let bytes = 0;
    for (let number = first; number <= last; number += 1) {
      if (!this.parts[number - 1]) bytes += Math.min(USUAL_PART_BYTES, this.bytes - (number - 1) * USUAL_PART_BYTES);
    }
    return bytes;
  }

  /** So many bytes more are stored, whole parts only. Returns the parts. */
  store(bytes: number, { first, last } = { first: 1, last: this.parts.length }): number {
    let left = bytes;
    let stored = 0;
    for (let number = first; number <= last; number += 1) {
      if (this.parts[number - 1]) continue;
      left -= Math.min(USUAL_PART_BYTES, this.bytes - (number - 1) * USUAL_PART_BYTES);
      if (left < 0) break;
      this.parts[number - 1] = 1;
      stored += 1;
    }
    return stored;
  }
}

/** An item with an open upload, as the planner's own `piecesOf` cuts it. Positions stand for the item. */
export function cutOpen(item: number, host: string, upload: OpenUpload, perHostConnections: number): readonly Piece[] {
  const left: Left = {
    index: item,
    line: item + 1,
    host,
    bytes: upload.bytes,
    attempts: 0,
    notBefore: 0,
    crashes: 0,
    open: {
      upload: String(item),
      partBytes: 8 * MiB,
      version: { etag: '"1"', bytes: upload.bytes },
      condition: { kind: 'absent' },
      wanted: [],
      verified: 'length',
      status: 200,
      crc32s: Array.from(upload.parts, (stands) => (stands ? '00000000' : '--------')).join(''),
    },
  };
  return piecesOf([left], () => perHostConnections);
}
