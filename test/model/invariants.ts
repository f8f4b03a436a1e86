/** What must hold, in every world and in those in which nothing can happen any more. */
import type { OutcomeRow } from '../../lib/contract/ledger-row.ts';
import { crc32Hex } from '../../lib/store/crc32.ts';
import { contentOf, type Protocol } from './protocol.ts';
import type { ObjectNow, World } from './world.ts';

/**
 * I1: the object is absent, as it was, or of one version. I2: no upload is open at the end. I3: what is reported as stored
 * stands there. I4: one outcome. I5: nothing of two versions is ever joined. Beside them, what nobody is harmed by, but nobody wants either. L1: nothing fails
 * while nobody else is in the way. L2: the report names the ETag that stands. L3: no upload is thrown away that lacks
 * nothing but its commit.
 */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'L1' | 'L2' | 'L3';

/** L3 holds only where at most one worker sends parts a second time: S3's answer is mended once, not again and again. */
const INVARIANTS: readonly Invariant[] = ['I1', 'I2', 'I3', 'I4', 'I5', 'L1', 'L2'];

/** The first of these that does not hold, with what is wrong. */
export function broken(
  protocol: Protocol,
  world: World,
  isFinal: boolean,
  invariants: readonly Invariant[] = INVARIANTS,
): string | undefined {
  for (const invariant of invariants) {
    const why = JUDGES[invariant](protocol, world, isFinal);
    if (why !== undefined) return `${invariant}: ${why}`;
  }
  return undefined;
}

type Judge = (protocol: Protocol, world: World, isFinal: boolean) => string | undefined;

const JUDGES: Record<Invariant, Judge> = {
  I1: (_, { object }) => (isMixed(object.content) ? `the object is made of ${object.content}` : undefined),

  I2: (_, { uploads }, isFinal) => {
    const open = uploads.findIndex(({ state }) => state === 'open');
    return isFinal && open >= 0 ? `upload ${open} stays open for ever` : undefined;
  },

  I3: (protocol, { object, buried, run }, isFinal) => {
    const outcome = isFinal ? outcomeOf(protocol, run.outcomes) : undefined;
    if (outcome?.outcome !== 'stored') return undefined;
    // Somebody else wrote after it: that is no fault of the report.
    const isTrue = [object, buried].some((now) => now && describes(protocol, outcome, now));
    return isTrue ? undefined : `the report says ${outcome.objectEtag}, at the target stands ${name(object)}`;
  },

  I4: (_, { run }) => (run.outcomes.length > 1 ? `${run.outcomes.length} outcomes of one line` : undefined),

  I5: (_, { uploads }) => {
    const mixed = uploads.find(({ version, parts }) =>
      parts.some((part) => part !== '' && Number(part[0]) !== version),
    );
    return mixed && `an upload of v${mixed.version} holds ${contentOf(mixed.parts)}`;
  },

  L1: (protocol, { buried, run }, isFinal) => {
    const outcome = isFinal ? outcomeOf(protocol, run.outcomes) : undefined;
    if (outcome?.outcome !== 'failed' || buried) return undefined;
    return `the item fails with ${outcome.error} although nobody else was there`;
  },

  L2: (protocol, { object, buried, run }, isFinal) => {
    const outcome = isFinal ? outcomeOf(protocol, run.outcomes) : undefined;
    if (outcome?.outcome !== 'stored') return undefined;
    const isTrue = [object, buried].some((now) => now?.etag === outcome.objectEtag);
    return isTrue ? undefined : `the report says ${outcome.objectEtag}, at the target stands ${name(object)}`;
  },

  L3: (_, { uploads, source, object, buried, run }) => {
    if (run.at === 'over' || buried || typeof object.by === 'number') return undefined;
    const lost = uploads.findIndex(
      ({ state, parts }) => state === 'aborted' && parts.every((part) => Number(part[0]) === source),
    );
    return lost >= 0 ? `upload ${lost} is aborted although nothing of v${source} is missing in it` : undefined;
  },
};

function outcomeOf(protocol: Protocol, outcomes: readonly number[]): OutcomeRow | undefined {
  const [id] = outcomes;
  const row = id === undefined ? undefined : protocol.rows.at(id);
  return row?.row === 'outcome' ? row : undefined;
}

function describes({ facts }: Protocol, { bytes, crc32 }: OutcomeRow, now: ObjectNow): boolean {
  const object = facts.stands(now);
  return object?.crc32 !== undefined && object.bytes === bytes && crc32Hex(object.crc32) === crc32;
}

const name = ({ by, etag }: ObjectNow) => (by === 'none' ? 'nothing' : etag);

function isMixed(content: string): boolean {
  return content.includes('3') || new Set(content).size > 1;
}
