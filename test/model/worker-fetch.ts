/** The steps of fill-parts.ts and steady-body.ts: bytes of the source into parts of an upload. */
import type { Step } from './explore.ts';
import { idOf } from './protocol.ts';
import type { Turn } from './worker.ts';
import { spend, type Version, type World, withUpload } from './world.ts';

/** Asks for what is missing. The source may understand If-Range or not; both answers are its right. */
export function ask(turn: () => Turn): Step<World>[] {
  const { protocol, worker, world } = turn();
  const { facts, variant, scenario } = protocol;
  const { generation, part, half } = worker;
  const pinned = generation?.version ?? 0;
  const holds = world.source;
  if (variant.validator === 'ignored') return [['reads on, whatever it is', answered(turn(), holds)]];
  const run = turn().nextRun();
  const isLast = run?.last === scenario.parts;
  if (part === 1 && half === 0 && isLast) {
    const same = JSON.stringify(facts.opened(holds).version) === JSON.stringify(facts.opened(pinned).version);
    return [['asks for the whole', same ? answered(turn(), holds) : turn().startOver(holds, false)]];
  }
  const from = (part - 1) * facts.partBytes + (half > 0 ? 1 : 0);
  const to = isLast ? undefined : (run?.last ?? 0) * facts.partBytes - 1;
  const statuses = scenario.ranges === 'refused' ? [200] : pinned === holds ? [206] : [200, 206];
  return statuses.map((status): Step<World> => {
    let decision = facts.judge(pinned, status, holds, from, to, true);
    if (decision.action === 'ask-plainly') decision = facts.judge(pinned, status, holds, from, to, false);
    const label = `asks for ${part}.. of v${pinned}: ${status} of v${holds}, ${decision.action}`;
    switch (decision.action) {
      case 'rest':
        return [label, answered(turn(), holds)];
      case 'whole':
        return [label, turn().startOver(holds, decision.why === 'no-ranges')];
      case 'changed':
        return [label, turn().startOver(0, false)];
      default:
        throw new Error(`nothing in this world is answered with ${decision.action}`);
    }
  });
}

function answered(turn: Turn, answer: Version): World {
  turn.become({ answer });
  return turn.proceed();
}

/** The answer at hand breaks off, between two parts or within one. */
export function breakOff(turn: () => Turn): Step<World>[] {
  const cut = (half: Version) => {
    const at = turn();
    at.world = spend(at.world, 'breaks');
    // Without a version nothing may be joined to what came.
    if (at.worker.generation?.version === 0) return at.fail('ConnectionLost');
    at.become({ answer: 0, half });
    return at.proceed();
  };
  const { half, answer } = turn().worker;
  return [
    ['loses its connection', cut(half)],
    ['loses its connection within a part', cut(joined(half, answer))],
  ];
}

/** All bytes of the only part are there: an object this small needs no upload. */
export function gather(turn: Turn): World {
  const { half, answer, generation } = turn.worker;
  if (!generation) throw new Error('nothing was begun');
  turn.become({ generation: { ...generation, parts: [`${joined(half, answer)}0`] }, half: 0 });
  return turn.proceed();
}

export function create(turn: () => Turn): Step<World>[] {
  const { world, worker } = turn();
  const { scenario } = turn().protocol;
  const upload = {
    state: 'open',
    version: worker.answer,
    parts: Array.from({ length: scenario.parts }, () => ''),
  } as const;
  const number = world.uploads.length;
  const created = (): Turn => {
    const at = turn();
    at.world = { ...at.world, uploads: [...at.world.uploads, upload] };
    return at;
  };
  const well = created();
  const { generation } = well.worker;
  if (!generation) throw new Error('nothing was begun');
  well.become({ generation: { ...generation, upload: number }, at: generation.isCheckpointed ? 'checkpoint' : 'send' });
  const steps: Step<World>[] = [[`creates upload ${number}`, well.world]];
  if (world.faults.lost > 0) {
    const lost = created();
    lost.world = spend(lost.world, 'lost');
    steps.push([`creates upload ${number}, the answer is lost`, lost.fail('StoreUnavailable')]);
  }
  return steps;
}

/** Written down before any part is sent. */
export function checkpoint(turn: Turn): World {
  const { generation } = turn.worker;
  if (!generation) throw new Error('nothing was begun');
  const { version, restarts, condition, upload } = generation;
  const row = turn.protocol.checkpointRow(version, restarts, condition, upload);
  if (row === undefined) throw new Error('a checkpoint that is none');
  turn.record(turn.protocol.rows.at(row));
  turn.flush();
  return turn.become({ at: 'send' });
}

export function send(turn: Turn): World {
  const { generation, answer, half, part } = turn.worker;
  if (!generation) throw new Error('nothing was begun');
  const upload = turn.world.uploads[generation.upload];
  if (upload?.state !== 'open') return turn.fail('UploadLost');
  const { etags } = turn.protocol.scenario;
  const before = upload.parts[part - 1] ?? '';
  const isNewTag = etags === 'opaque' && before !== '';
  const stored = `${joined(half, answer)}${isNewTag ? Number(before[1]) + 1 : 0}`;
  const replaced = (parts: readonly string[]) => parts.map((one, index) => (index === part - 1 ? stored : one));
  turn.world = withUpload(turn.world, generation.upload, { parts: replaced(upload.parts) });
  turn.become({ generation: { ...generation, parts: replaced(generation.parts) }, part: part + 1, half: 0 });
  if (generation.isCheckpointed) {
    const { bytes, crc32 } = turn.protocol.facts.storedPart(part, stored);
    turn.record({ row: 'part', index: 0, upload: idOf(generation.upload), number: part, bytes, crc32 });
  }
  return turn.proceed();
}

function joined(half: Version, answer: Version): Version {
  return half === 0 || half === answer ? answer : 3;
}
