import fc from 'fast-check';
import { expect } from 'vitest';
import { SkyhaulError } from '../../lib/errors/skyhaul-error.ts';
import type { OpenedSource, PinnedVersion, Resumed, SourceClient } from '../../lib/source/source.ts';
import { bytesOf } from '../support/origin-bytes.ts';
import { ranged } from '../support/origin-ranges.ts';
import { asked, conformance, EVERY_BACKEND, openAt, readBody } from './fixture.ts';

/** Each answer of the source: how much of the whole comes before what cut. */
const answers = fc.array(
  fc.record({
    cutAtPercent: fc.integer({ min: 0, max: 120 }),
    by: fc.constantFrom('fin', 'rst'),
    framing: fc.constantFrom('length', 'chunked', 'eof'),
  }),
  { minLength: 1, maxLength: 6 },
);
const sources = fc.record({
  bytes: fc.integer({ min: 1, max: 300_000 }),
  answers,
  hearsIfRange: fc.boolean(),
  /** The answer from which on there is another version, and its length. */
  change: fc.option(fc.record({ at: fc.nat({ max: 6 }), bytes: fc.option(fc.integer({ min: 1, max: 300_000 })) })),
});

interface Fetched {
  readonly bytes: Buffer;
  readonly resumes: number;
}

/** What a transfer does with a source: keeps what came, goes on behind it, and begins anew where it must. */
async function fetchAll(client: SourceClient, url: string): Promise<Fetched> {
  let pieces: Buffer[] = [];
  let version: PinnedVersion | undefined;
  let resumes = 0;

  /** True when the whole has arrived. */
  const take = async (body: AsyncIterable<Uint8Array>): Promise<boolean> => {
    const { bytes, error } = await readBody(body);
    pieces.push(bytes);
    if (error !== undefined && error.name !== 'ConnectionLost') throw error;
    const all = Buffer.concat(pieces).length;
    return error === undefined && all === (version?.bytes ?? all);
  };
  const begin = async (opened: OpenedSource): Promise<boolean> => {
    pieces = [];
    version = opened.version;
    const isWhole = await take(opened.body);
    // The end of a connection proves nothing: ask what there is behind it.
    return isWhole && opened.framing.kind !== 'eof';
  };
  const goOn = async (resumed: Resumed): Promise<boolean> => {
    if (resumed.kind === 'complete') return true;
    if (resumed.kind === 'changed') return await begin(await openAt(client, url));
    if (resumed.kind === 'whole') return await begin(resumed.source);
    resumes += 1;
    ({ version } = resumed.source);
    return await take(resumed.source.body);
  };

  for (let isWhole = false, tries = 0; !isWhole; tries += 1) {
    if (tries > 40) throw new Error('no end');
    const from = Buffer.concat(pieces).length;
    const isBegun = version !== undefined && from > 0;
    try {
      isWhole =
        isBegun && version !== undefined
          ? await goOn(await client.resume({ ...asked(url), version, from }))
          : await begin(await openAt(client, url));
    } catch (error) {
      // Cut inside the headers, or before them.
      if (!(error instanceof SkyhaulError) || error.name !== 'ConnectionLost') throw error;
    }
  }
  return { bytes: Buffer.concat(pieces), resumes };
}

conformance('a source that is cut at random and resumed until it is whole', EVERY_BACKEND, (it) => {
  it('H01 to H05, H37, H43, H45, I1: is one version, byte for byte', async ({ origin, source }) => {
    let resumed = 0;
    let changed = 0;
    await fc.assert(
      fc.asyncProperty(sources, async ({ bytes, answers: plan, hearsIfRange, change }) => {
        let count = 0;
        const newBytes = change?.bytes ?? bytes;
        origin.on('/f', (request) => {
          const isNew = change !== null && count >= change.at;
          const length = isNew ? newBytes : bytes;
          const step = plan[count];
          count += 1;
          const { 'if-range': _ifRange, ...deaf } = request.headers;
          const heard = hearsIfRange ? request : { ...request, headers: deaf };
          const cut =
            step === undefined
              ? {}
              : { cut: { afterBytes: Math.floor((step.cutAtPercent / 100) * length), by: step.by } };
          const framing = step === undefined ? {} : { framing: step.framing };
          return ranged({ seed: isNew ? 'new' : 'old', bytes: length }, isNew ? '"v2"' : '"v1"', {
            ...cut,
            ...framing,
          })(heard);
        });

        const fetched = await fetchAll(source.client(), origin.url('/f'));

        const isOld = fetched.bytes.equals(bytesOf('old', bytes));
        const isNew = change !== null && fetched.bytes.equals(bytesOf('new', newBytes));
        expect(isOld || isNew).toBe(true);
        resumed += fetched.resumes;
        changed += isNew ? 1 : 0;
      }),
      { numRuns: 150 },
    );
    expect(resumed).toBeGreaterThan(50);
    expect(changed).toBeGreaterThan(10);
  });
});
