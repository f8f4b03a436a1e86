/**
 * Keeps what the transfers of this process leave behind from piling up. The chunks of a body lie outside V8's heap, which
 * then sees no reason to collect them: an invocation grows by many megabytes that nobody uses, until the Lambda is
 * killed for them. Collecting often costs less time than it saves (measured: a quarter less CPU for a GiB).
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { GiB, MiB } from '../contract/limits.ts';
import { keepYoungGenerationSmall } from '../young-generation.ts';

/** Of chunks that were read: most of them are garbage by now. */
const MINOR_EVERY_BYTES = 8 * MiB;
/** What small collections keep (requests that lived through a few of them) comes to some 2 MiB meanwhile. */
const MAJOR_EVERY_BYTES = 1 * GiB;
/** Of buffers that the pool let go of: they are old, and only a large collection finds them. */
const MAJOR_EVERY_DROPPED_BYTES = 8 * MiB;

type Collect = (options: { readonly type: 'minor' | 'major' }) => void;

let collect: Collect | undefined;
// Of the process, as its heap is.
const since = { minor: 0, major: 0, dropped: 0 };

/** So many bytes of a body have passed. */
export function passed(bytes: number): void {
  since.minor += bytes;
  since.major += bytes;
  if (since.major >= MAJOR_EVERY_BYTES) run('major');
  else if (since.minor >= MINOR_EVERY_BYTES) run('minor');
}

/** A buffer of this size is used no more. */
export function dropped(bytes: number): void {
  since.dropped += bytes;
  if (since.dropped >= MAJOR_EVERY_DROPPED_BYTES) run('major');
}

function run(type: 'minor' | 'major'): void {
  since.minor = 0;
  if (type === 'major') since.major = since.dropped = 0;
  collect ??= collector();
  collect({ type });
}

/** V8 hands it to new contexts only, once the flag is set. */
function collector(): Collect {
  setFlagsFromString('--expose-gc');
  // What is collected this often has no use for more room, and would fill it before it is collected by itself.
  keepYoungGenerationSmall();
  const gc: unknown = runInNewContext('globalThis.gc');
  return typeof gc === 'function' ? (options) => void gc(options) : () => undefined;
}
