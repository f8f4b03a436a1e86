/**
 * What the model knows of the world, as plain data: one item, its source, its object and uploads in S3, the workers and
 * the ledger. Nothing here decides; `next` functions make one world of another and never change one.
 */

/** Of the source. 0: none; 3: bytes of both, which must never be. */
export type Version = 0 | 1 | 2 | 3;

/** What a part holds: one digit, the version its bytes are of, then the number of its ETag. '': it is not there. */
export type Stored = string;

export interface World {
  readonly source: 1 | 2;
  readonly object: ObjectNow;
  /** What a foreign writer buried under its own object; undefined: nobody else has written yet. */
  readonly buried: ObjectNow | undefined;
  readonly uploads: readonly UploadNow[];
  readonly workers: readonly Worker[];
  readonly run: RunNow;
  /** Faults that may still happen. */
  readonly faults: Faults;
}

/** `by`: who wrote it. 'none': it is absent, 'before': it stood there when the run began, or an upload by its number. */
export interface ObjectNow {
  readonly by: 'none' | 'before' | 'foreign' | number;
  readonly etag: string;
  /** A digit a part, as in `Stored`. */
  readonly content: string;
}

export interface UploadNow {
  /** `put`: no upload but a PutObject, which is never open. */
  readonly state: 'open' | 'complete' | 'aborted' | 'put';
  /** The version that it was begun for. */
  readonly version: Version;
  readonly parts: readonly Stored[];
}

export type At =
  | 'idle'
  | 'begin'
  | 'marker'
  | 'look'
  | 'take'
  | 'open'
  | 'gather'
  | 'create'
  | 'checkpoint'
  | 'ask'
  | 'send'
  | 'complete'
  | 'relist'
  | 'resolve'
  | 'winner'
  | 'abort'
  | 'close'
  | 'over'
  | 'dead';

/** What follows an abort: a new generation, another try, an outcome, the next file of the lane. */
type Next = 'replace' | 'open' | 'again' | 'outcome' | 'close' | '';

export interface Worker {
  readonly at: At;
  readonly round: number;
  readonly shard: number;
  /** Interned work; -1: it has not read it. */
  readonly work: number;
  readonly isTakenUp: boolean;
  /** Interned target; -1: not looked at. */
  readonly target: number;
  readonly generation: GenerationNow | undefined;
  /** The version whose answer is at hand, and the part that comes next in it. */
  readonly answer: Version;
  readonly part: number;
  /** The version of the first half of that part, when another answer brought it. */
  readonly half: Version;
  readonly restarts: number;
  readonly isWhole: boolean;
  readonly isRelisted: boolean;
  /** Upload to abort, and what follows. */
  readonly abort: number;
  readonly next: Next;
  /** Error name that a lost reply is resolved for, or the interned outcome. */
  readonly failure: string;
  readonly result: number;
  /**
   * Interned rows: those that may or may not have reached the ledger (which is settled when somebody reads it), and
   * those that have.
   */
  readonly rows: readonly number[];
  readonly flushed: readonly number[];
}

export interface GenerationNow {
  readonly upload: number;
  readonly version: Version;
  readonly restarts: number;
  /** Interned condition of its commit. */
  readonly condition: number;
  readonly isCheckpointed: boolean;
  readonly parts: readonly Stored[];
}

export interface RunNow {
  /** The round whose workers may begin, and what Plan knows of the item, interned; -1: it is done. */
  readonly round: number;
  readonly left: number;
  readonly isStopAsked: boolean;
  /** Rounds up to this one are over: their workers begin nothing. */
  readonly stoppedThrough: number;
  /** Of the status: until when a worker may live that began and never ended. */
  readonly busyUntil: number;
  /** `ending`: Plan is to report; `killed`: the execution is gone, the janitor comes; `checked`: it found nobody alive. */
  readonly at: 'going' | 'ending' | 'killed' | 'checked' | 'over';
  /** Interned outcome rows that Plan and the janitor took over. */
  readonly outcomes: readonly number[];
}

export interface Faults {
  /** A worker is killed, or has to leave. */
  readonly stops: number;
  readonly breaks: number;
  readonly lost: number;
}

export function encode({ source, object, buried, uploads, workers, run, faults }: World): string {
  const one = (at: ObjectNow | undefined) => (at ? `${at.by}:${at.etag}:${at.content}` : '-');
  let text = `${source}${one(object)} ${one(buried)} ${faults.stops}${faults.breaks}${faults.lost}`;
  text += ` ${run.round},${run.left},${run.isStopAsked},${run.stoppedThrough},${run.busyUntil},${run.at},${run.outcomes}`;
  for (const { state, version, parts } of uploads) text += `|${state}${version}${parts}`;
  for (const w of workers) {
    text += `\n${w.at}`;
    if (w.at === 'idle') continue;
    text += `,${w.round},${w.shard};${w.flushed}`;
    text += `;${w.rows}`;
    if (w.at === 'over' || w.at === 'dead') continue;
    const g = w.generation;
    text += `,${w.work},${w.isTakenUp},${w.target},${w.answer},${w.part},${w.half},${w.restarts},${w.isWhole}`;
    text += `,${w.isRelisted},${w.abort},${w.next},${w.failure},${w.result}`;
    if (g) text += `;${g.upload},${g.version},${g.restarts},${g.condition},${g.isCheckpointed},${g.parts}`;
  }
  return text;
}

/** What is left of a worker that does nothing any more. */
export const REST = {
  work: -1,
  isTakenUp: false,
  target: -1,
  generation: undefined,
  answer: 0,
  part: 0,
  half: 0,
  restarts: 0,
  isWhole: false,
  isRelisted: false,
  abort: -1,
  next: '',
  failure: '',
  result: -1,
} as const satisfies Partial<Worker>;

export const isGone = (at: At) => at === 'idle' || at === 'over' || at === 'dead';

export const mayAnyBegin = ({ workers }: World) => workers.some(({ at }) => at === 'idle');

/** Plan, or the janitor, has read the ledger of this round for the last time. */
export function folded({ run }: World, round: number): boolean {
  return run.round > round || run.at === 'checked' || run.at === 'over';
}

export function withWorker(world: World, index: number, change: Partial<Worker>): World {
  return { ...world, workers: world.workers.map((worker, at) => (at === index ? { ...worker, ...change } : worker)) };
}

export function withUpload(world: World, index: number, change: Partial<UploadNow>): World {
  return { ...world, uploads: world.uploads.map((upload, at) => (at === index ? { ...upload, ...change } : upload)) };
}

export function spend(world: World, fault: keyof Faults): World {
  return { ...world, faults: { ...world.faults, [fault]: world.faults[fault] - 1 } };
}
