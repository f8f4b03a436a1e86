import type { CheckpointRow } from '../../lib/contract/ledger-row.ts';
import { foldCheckpoints } from '../../lib/ledger/fold-checkpoints.ts';
import { type Explorable, type Explored, explore } from './explore.ts';
import { broken, type Invariant } from './invariants.ts';
import { type Protocol, protocolOf, UNTOUCHED } from './protocol.ts';
import { OURS, type Scenario, type Variant } from './scenario.ts';
import { stepsOf } from './steps.ts';
import { encode, REST, type Worker, type World } from './world.ts';

/** The protocol in one corner of the world, every state of it. */
export function check(scenario: Scenario, change: Partial<Variant> = {}, only?: readonly Invariant[]): Explored {
  const protocol = protocolOf(scenario, { ...OURS, ...change });
  return explore({
    ...worldsOf(protocol),
    judge: (world, isFinal) => broken(protocol, world, isFinal, only),
  });
}

/** Every way in which it can end: what stands at the target, and what the report says. */
export function endingsOf(scenario: Scenario): ReadonlySet<string> {
  const protocol = protocolOf(scenario, OURS);
  const endings = new Set<string>();
  explore({
    ...worldsOf(protocol),
    judge: ({ object, run }, isFinal) => {
      if (!isFinal) return undefined;
      const says = run.outcomes.map((id) => JSON.stringify(protocol.rows.at(id)));
      // Uploads are numbered as they come, which means nothing.
      endings.add(`${object.content || object.by} ${says}`.replace(/"u\d"/g, '"u"'));
      return undefined;
    },
  });
  return endings;
}

function worldsOf(protocol: Protocol): Omit<Explorable<World>, 'judge'> {
  return { initial: initialWorld(protocol), encode, next: (world) => stepsOf(protocol, world) };
}

const IDLE: Worker = { ...REST, at: 'idle', round: -1, shard: 0, rows: [], flushed: [] };

function initialWorld(protocol: Protocol): World {
  const { scenario } = protocol;
  const object = {
    none: { by: 'none', etag: '', content: '' },
    other: { by: 'before', etag: 'other', content: '' },
    'version-1': {
      by: 'before',
      etag: scenario.etags === 'digest' ? `m${'1'.repeat(scenario.parts)}` : 'earlier',
      content: '1'.repeat(scenario.parts),
    },
  } as const;
  const isRanges = scenario.shape === 'ranges';
  return {
    source: 1,
    object: object[scenario.existing],
    buried: undefined,
    uploads: isRanges ? [{ state: 'open', version: 1, parts: ['10', '', ''] }] : [],
    workers: Array.from({ length: isRanges ? 3 : 2 }, () => IDLE),
    run: {
      round: isRanges ? 1 : 0,
      left: leftAtFirst(protocol, object[scenario.existing].etag),
      isStopAsked: false,
      stoppedThrough: -1,
      busyUntil: 0,
      at: 'going',
      outcomes: [],
    },
    faults: scenario.faults,
  };
}

/** Ranges begin where an earlier round left an upload with its first part. */
function leftAtFirst(protocol: Protocol, etag: string): number {
  const { lefts, scenario, rows, conditions, facts } = protocol;
  if (scenario.shape === 'twins') return lefts.id(UNTOUCHED);
  const condition = conditions.id(etag === '' ? { kind: 'absent' } : { kind: 'matches', etag });
  const row = protocol.checkpointRow(1, 0, condition, 0);
  if (row === undefined) throw new Error('ranges of what cannot be resumed');
  const { number, bytes, crc32 } = facts.storedPart(1, '10');
  const part: CheckpointRow = { row: 'part', index: 0, upload: 'u0', number, bytes, crc32 };
  return lefts.id({ ...UNTOUCHED, ...foldCheckpoints([rows.at(row) as CheckpointRow, part]) });
}
