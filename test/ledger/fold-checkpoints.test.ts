import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckpointRow } from '../../lib/contract/ledger-row.ts';
import type { ItemState } from '../../lib/contract/work.ts';
import { foldCheckpoints, knownParts } from '../../lib/ledger/fold-checkpoints.ts';

const PART = 8;
const PARTS = 6;

const begun = (upload: string, restarts = 0): CheckpointRow => ({
  row: 'checkpoint',
  index: 0,
  upload,
  restarts,
  partBytes: PART,
  version: { etag: `"${restarts}"`, bytes: PART * PARTS - 3 },
  condition: { kind: 'absent' },
  wanted: [],
  verified: 'length',
  status: 200,
});
const part = (upload: string, number: number): CheckpointRow => ({
  row: 'part',
  index: 0,
  upload,
  number,
  bytes: number === PARTS ? PART - 3 : PART,
  // What a part holds depends on nothing but its upload and its number.
  crc32: (upload.charCodeAt(0) * 1_000_003 + number) >>> 0,
});
const dropped = (upload: string, restarts: number): CheckpointRow => ({ row: 'dropped', index: 0, upload, restarts });
const digests = (upload: string, parts: number): CheckpointRow => ({
  row: 'digests',
  index: 0,
  upload,
  parts,
  state: `${upload}${parts}`,
});

const uploads = fc.constantFrom('a', 'b', 'c');
const someRow = fc.oneof(
  fc.record({ upload: uploads, number: fc.integer({ min: 1, max: PARTS }) }).map((p) => part(p.upload, p.number)),
  fc.record({ upload: uploads, parts: fc.integer({ min: 1, max: PARTS }) }).map((d) => digests(d.upload, d.parts)),
  fc.constantFrom(begun('a'), begun('b', 1), begun('c', 1), dropped('a', 1), dropped('b', 2)),
);
const someRows = fc.array(someRow, { maxLength: 30 });
const before: fc.Arbitrary<ItemState> = fc.constantFrom(
  {},
  foldCheckpoints([begun('a'), part('a', 2)]),
  foldCheckpoints([begun('b', 1), part('b', 1), digests('b', 1)]),
);

describe('foldCheckpoints', () => {
  it('goes on with the upload that began, and with the parts that are stored of it', () => {
    const state = foldCheckpoints([begun('a'), part('a', 3), part('a', 1), part('b', 2)]);

    expect(state.open).toMatchObject({ upload: 'a', partBytes: PART });
    expect(state.open && knownParts(state.open).map(({ number, bytes }) => [number, bytes])).toEqual([
      [1, PART],
      [3, PART],
    ]);
  });

  it('says the size of the last part, which is shorter', () => {
    const { open } = foldCheckpoints([begun('a'), part('a', PARTS)]);

    expect(open && knownParts(open)).toMatchObject([{ number: PARTS, bytes: PART - 3 }]);
  });

  it('goes on with nothing that was given up, and remembers how often that was', () => {
    expect(foldCheckpoints([begun('a'), part('a', 1), dropped('a', 1)])).toEqual({ restarts: 1 });
  });

  it('of two uploads takes that of the later version, else the one the plan knows', () => {
    const known = foldCheckpoints([begun('a')]);

    expect(foldCheckpoints([begun('b', 1), part('a', 1)], known).open?.upload).toBe('b');
    expect(foldCheckpoints([begun('c', 0), part('c', 1)], known).open?.upload).toBe('a');
  });

  it('is the same whatever the order of the rows, and however often each stands there', () => {
    fc.assert(
      fc.property(before, someRows, fc.infiniteStream(fc.nat()), (state, rows, random) => {
        const twice = [...rows, ...rows.slice(0, rows.length / 2)];
        const shuffled = twice
          .map((row) => ({ row, at: random.next().value }))
          .sort((one, other) => one.at - other.at)
          .map(({ row }) => row);

        expect(foldCheckpoints(shuffled, state)).toEqual(foldCheckpoints(rows, state));
      }),
    );
  });

  it('adds up: the rows of two rounds one after another say what they say together', () => {
    fc.assert(
      fc.property(before, someRows, someRows, (state, one, other) => {
        const inTwo = foldCheckpoints(other, foldCheckpoints(one, state));
        const atOnce = foldCheckpoints([...one, ...other], state);

        // What the first round gave up may not come back; otherwise both go on with some upload of the newest version.
        expect(inTwo.restarts).toEqual(atOnce.restarts);
        if (inTwo.open && inTwo.open.upload === atOnce.open?.upload) {
          expect(knownParts(inTwo.open).length).toBeLessThanOrEqual(knownParts(atOnce.open).length);
        }
      }),
    );
  });

  it('claims no part that no row spoke of, whichever rows are lost', () => {
    fc.assert(
      fc.property(before, someRows, fc.infiniteStream(fc.boolean()), (state, rows, isKept) => {
        const { open } = foldCheckpoints(
          rows.filter(() => isKept.next().value),
          state,
        );
        if (!open) return;
        const spoken = [...rows, ...knownRows(state)].flatMap((row) =>
          row.row === 'part' && row.upload === open.upload ? [`${row.number} ${row.crc32}`] : [],
        );

        for (const { number, crc32 } of knownParts(open)) expect(spoken).toContain(`${number} ${crc32}`);
      }),
    );
  });
});

function knownRows({ open }: ItemState): CheckpointRow[] {
  return open ? knownParts(open).map(({ number }) => part(open.upload, number)) : [];
}
