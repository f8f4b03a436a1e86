/** The steps of finish-object.ts and of the store below it: one commit, and whatever its answer leaves open. */

import type { Condition } from '../../lib/store/object-store.ts';
import { adopted } from '../../lib/transfer/adopt-object.ts';
import { afterConflict } from '../../lib/transfer/commit-policy.ts';
import type { Step } from './explore.ts';
import { contentOf, MARK } from './protocol.ts';
import type { Turn } from './worker.ts';
import { type ObjectNow, spend, type World, withUpload } from './world.ts';

export function complete(turn: () => Turn): Step<World>[] {
  const { world, worker, protocol } = turn();
  const steps: Step<World>[] = [['commits', carriedOut(turn()).world]];
  if (world.faults.lost === 0) return steps;
  const lost = (at: Turn): World => {
    at.world = spend(at.world, 'lost');
    if (protocol.variant.lostReply === 'assumed-done') return assumedDone(at);
    return at.become({ at: 'resolve', failure: 'StoreUnavailable' });
  };
  const done = carriedOut(turn(), true);
  const isDone = done.world.object.by !== world.object.by;
  if (isDone) steps.push(['commits, the answer is lost', lost(done)]);
  const never = turn();
  if (worker.generation?.upload === -1) putBegun(never);
  steps.push(['commits, but it never arrives', lost(never)]);
  return steps;
}

function assumedDone(turn: Turn): World {
  const object = turn.protocol.facts.stands({ by: 0, etag: 'unknown', content: contentOfWorker(turn) });
  return object ? turn.stored(object, true) : turn.world;
}

/** A PutObject has a token of its own, as an upload has. */
function putBegun(turn: Turn): number {
  const number = turn.world.uploads.length;
  const { generation } = turn.worker;
  turn.world = { ...turn.world, uploads: [...turn.world.uploads, { state: 'put', version: 0, parts: [] }] };
  if (generation) turn.become({ generation: { ...generation, upload: number } });
  return number;
}

/** What S3 does with it, in the order in which S3 looks: the upload, its parts, the condition. */
function carriedOut(turn: Turn, isSilent = false): Turn {
  const { protocol } = turn;
  const { generation } = turn.worker;
  if (!generation) throw new Error('nothing was begun');
  const isPut = generation.upload === -1;
  const number = isPut ? putBegun(turn) : generation.upload;
  const upload = turn.world.uploads[number];
  if (!isPut) {
    if (upload?.state !== 'open') return ambiguous(turn, 'UploadLost');
    if (generation.parts.join() !== upload.parts.join()) return invalidPart(turn);
    if (!protocol.joins(upload.parts.join(), contentOf(generation.parts))) return failed(turn, 'ChecksumRefused');
  }
  const condition = protocol.conditions.at(generation.condition);
  if (!holds(condition, turn.world.object) && protocol.variant.commit === 'conditional') {
    return ambiguous(turn, 'CommitConflict');
  }
  const content = contentOf(generation.parts);
  const etag = protocol.scenario.etags === 'digest' ? `m${content}` : `u${number}`;
  turn.world = { ...turn.world, object: { by: number, etag, content } };
  if (!isPut) turn.world = withUpload(turn.world, number, { state: 'complete' });
  const object = protocol.facts.stands(turn.world.object);
  if (!isSilent && object) turn.stored(object, true);
  return turn;
}

function ambiguous(turn: Turn, failure: 'UploadLost' | 'CommitConflict'): Turn {
  turn.become({ at: 'resolve', failure });
  return turn;
}

function failed(turn: Turn, failure: 'ChecksumRefused'): Turn {
  turn.fail(failure);
  return turn;
}

function invalidPart(turn: Turn): Turn {
  if (turn.worker.isRelisted || turn.protocol.variant.invalidPart === 'fatal') return failed(turn, 'ChecksumRefused');
  turn.become({ at: 'relist' });
  return turn;
}

/** S09: the same bytes under another ETag are the same part. */
export function relist(turn: Turn): World {
  const { generation } = turn.worker;
  const upload = turn.world.uploads[generation?.upload ?? -1];
  if (!generation || upload?.state !== 'open') return turn.become({ at: 'resolve', failure: 'UploadLost' });
  const same = contentOf(generation.parts) === contentOf(upload.parts);
  if (!same) return turn.fail('ChecksumRefused');
  return turn.become({ at: 'complete', isRelisted: true, generation: { ...generation, parts: upload.parts } });
}

function holds(condition: Condition, object: ObjectNow): boolean {
  if (condition.kind === 'any') return true;
  return condition.kind === 'absent' ? object.by === 'none' : object.etag === condition.etag;
}

/** The object tells, by the token of this very write, whether it happened. */
export function resolve(turn: Turn): World {
  const { generation, failure } = turn.worker;
  const { object } = turn.world;
  const found = turn.protocol.facts.stands(object);
  if (found && object.by === generation?.upload) return turn.stored(found, true);
  if (failure === 'CommitConflict') return turn.become({ at: 'winner' });
  return failPut(turn, failure === 'UploadLost' ? 'UploadLost' : 'StoreUnavailable');
}

export function winner(turn: Turn): World {
  const { variant, facts } = turn.protocol;
  const found = facts.stands(turn.world.object);
  const verdict = afterConflict(found, turn.sums(), MARK);
  if (!found) return failPut(turn, 'CommitConflict');
  if (verdict === 'same' || variant.loser === 'adopts-anything') return turn.stored(found, false);
  if (verdict === 'foreign' || variant.loser === 'compares-bytes') return failPut(turn, 'CommitConflict');
  turn.result(adopted(found));
  return turn.leaveUpload();
}

/** A PutObject that failed leaves nothing to abort. */
function failPut(turn: Turn, name: 'UploadLost' | 'StoreUnavailable' | 'CommitConflict'): World {
  const { generation } = turn.worker;
  if (generation && turn.world.uploads[generation.upload]?.state === 'put') {
    turn.become({ generation: { ...generation, upload: -1 } });
  }
  return turn.fail(name);
}

function contentOfWorker(turn: Turn): string {
  return contentOf(turn.worker.generation?.parts ?? []);
}
