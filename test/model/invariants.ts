/** What must hold, in every world and in those in which nothing can happen any more. */
import type { OutcomeRow } from '../../lib/contract/ledger-row.ts';
import { contentOf, type Protocol } from './protocol.ts';
import type { ObjectNow, World } from './world.ts';

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'L1';

export const INVARIANTS: readonly Invariant[] = ['I1', 'I2', 'I3', 'I4', 'I5', 'L1'];

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
    if (describes(protocol, outcome, object)) return undefined;
    // Somebody else wrote after it: that is no fault of the report.
    if (buried && describes(protocol, outcome, buried)) return undefined;
    return `the report says ${outcome.objectEtag}, at the target stands ${object.etag || 'nothing'}`;
  },

  I4: (_, { run }) => (run.outcomes.length > 1 ? `${run.outcomes.length} outcomes of one line` : undefined),

  I5: (_, { uploads }) => {
    const mixed = uploads.find(({ version, parts }) =>
      parts.some((part) => part !== '' && Number(part[0]) !== version),
    );
    return mixed && `an upload of v${mixed.version} holds ${contentOf(mixed.parts)}`;
  },

  // No invariant of the project, but what it is for: nothing fails while nobody else is in the way.
  L1: (protocol, { buried, run }, isFinal) => {
    const outcome = isFinal ? outcomeOf(protocol, run.outcomes) : undefined;
    if (outcome?.outcome !== 'failed' || buried) return undefined;
    return `the item fails with ${outcome.error} although nobody else was there`;
  },
};

function outcomeOf(protocol: Protocol, outcomes: readonly number[]): OutcomeRow | undefined {
  const [id] = outcomes;
  const row = id === undefined ? undefined : protocol.rows.at(id);
  return row?.row === 'outcome' ? row : undefined;
}

function describes({ facts }: Protocol, { bytes, crc32, objectEtag }: OutcomeRow, now: ObjectNow): boolean {
  const object = facts.stands(now);
  if (!object || object.crc32 === undefined || objectEtag !== object.etag) return false;
  return object.bytes === bytes && object.crc32.toString(16).padStart(8, '0') === crc32;
}

function isMixed(content: string): boolean {
  return content.includes('3') || new Set(content).size > 1;
}
