/**
 * What the model knows of sources and objects, in the very forms the engine reads: response heads, pinned versions,
 * generations, stored objects. Every answer comes from the engine's own functions.
 */

import { crc32 } from 'node:zlib';
import { options } from '../../lib/contract/options.ts';
import type { ItemWork } from '../../lib/contract/work.ts';
import { classifyFraming } from '../../lib/source/framing.ts';
import type { HeaderList } from '../../lib/source/header-list.ts';
import { judgeResume } from '../../lib/source/judge-resume.ts';
import { pinVersion } from '../../lib/source/pin-version.ts';
import type { OpenedSource } from '../../lib/source/source.ts';
import { readValidators } from '../../lib/source/validators.ts';
import type { StoredObject, StoredPart } from '../../lib/store/object-store.ts';
import { partRange } from '../../lib/store/part-plan.ts';
import { type Sums, sumsOfParts } from '../../lib/transfer/commit-policy.ts';
import { beginGeneration, type Generation } from '../../lib/transfer/generation.ts';
import { memoised } from './intern.ts';
import { partBytesOf, type Scenario } from './scenario.ts';
import type { ObjectNow, Stored } from './world.ts';

export const RUN = 'r@1';
export const KEY = 'k';
const URL_OF_ITEM = 'https://a.example/k';

/** The part of a job that pure functions ask for. */
export function jobOf(work: ItemWork, partBytes: number) {
  const limits = { minPartBytes: partBytes, maxPartBytes: 2 ** 32, maxParts: 10_000, maxObjectBytes: 2 ** 45 };
  return { run: RUN, work, options: options.parse({}), destination: { limits }, pool: { budgetBytes: 8 * partBytes } };
}

export const ITEM: ItemWork = {
  index: 0,
  line: 1,
  key: KEY,
  item: { url: URL_OF_ITEM },
  kind: 'item',
  lane: 0,
  attempts: 0,
};

export type Facts = ReturnType<typeof factsOf>;

export function factsOf(scenario: Scenario) {
  const partBytes = partBytesOf(scenario);
  const bytes = partBytes * scenario.parts;
  const etag = (version: number) => `${scenario.validator === 'weak' ? 'W/' : ''}"v${version}"`;

  /** An answer of a source that holds `version`; both versions are of one length, so that only the tag tells. */
  const headOf = (status: number, version: number, from = 0, to = bytes - 1) => {
    const range = status === 206 ? ([['content-range', `bytes ${from}-${to}/${bytes}`]] as const) : [];
    const headers: HeaderList = [['etag', etag(version)], ['content-length', String(to - from + 1)], ...range];
    return { status, headers, framing: classifyFraming(status, headers) };
  };

  const opened = memoised((version: number): OpenedSource => {
    const head = headOf(200, version);
    return {
      status: 200,
      finalUrl: new URL(URL_OF_ITEM),
      framing: { kind: 'length', bytes },
      validators: readValidators(head.headers),
      version: pinVersion(head),
      digests: {},
      contentType: undefined,
      contentEncoding: undefined,
      body: (async function* () {})(),
      close: () => Promise.resolve(),
    };
  });

  const begun = memoised(
    (version: number, restarts: number, isWhole: boolean): Generation =>
      beginGeneration(jobOf(ITEM, partBytes), opened(version), { condition: { kind: 'absent' }, restarts, isWhole }),
  );
  const { plan } = begun(1, 0, false);

  /** The engine's judgement of an answer to a range of `pinned`. */
  const judge = memoised(
    (pinned: number, status: number, holds: number, from: number, to: number | undefined, isConditional: boolean) => {
      const version = opened(pinned).version;
      if (!version) throw new Error('a range of nothing that can be told');
      const asked = { url: new URL(URL_OF_ITEM), nowMs: 0, version, from, isConditional, ...(to && { to }) };
      return judgeResume(status === 200 ? headOf(200, holds) : headOf(status, holds, from, to), asked);
    },
  );

  /** What the store says of a part. */
  const storedPart = memoised((number: number, stored: Stored): StoredPart => {
    const crc = crc32(`part ${number} of version ${stored.slice(0, 1)}`);
    return { number, bytes: partRange(plan, number).bytes, crc32: crc, etag: stored };
  });
  const partsOf = (stored: readonly Stored[]) =>
    stored.flatMap((part, index) => (part === '' ? [] : [storedPart(index + 1, part)]));

  /** Of all parts, a digit each. */
  const sumsOf = memoised((content: string): Sums => sumsOfParts(partsOf(Array.from(content))));

  const objectOf = memoised((by: string, objectEtag: string, content: string): StoredObject | undefined => {
    if (by === 'none') return undefined;
    const object = { key: KEY, etag: objectEtag, contentType: undefined, metadata: {}, crc32: undefined, bytes: 7 };
    if (content === '') return object;
    const { metadata = {} } = begun(Number(content[0]), 0, false).object ?? {};
    const run: Record<string, string> = by === 'before' ? { 'skyhaul-run': 'earlier@0' } : {};
    const { crc32: crc } = sumsOf(content);
    return { ...object, metadata: { ...metadata, ...run }, bytes, crc32: crc };
  });

  return {
    partBytes,
    plan,
    opened,
    begun,
    judge,
    storedPart,
    partsOf,
    sumsOf,
    stands: ({ by, etag: tag, content }: ObjectNow) => objectOf(String(by), tag, content),
  };
}
