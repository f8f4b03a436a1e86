import { createHash } from 'node:crypto';
import { crc32 } from '../../lib/store/crc32.ts';
import {
  checkFetched,
  checkLeftovers,
  checkObjects,
  checkReport,
  type Expected,
  unstored,
  type Violation,
} from './crash-check.ts';
import type { Job } from './crash-job.ts';
import { type CrashPlace, openCrashPlace } from './crash-place.ts';
import type { Plan, Strike } from './crash-points.ts';
import type { CrashProcesses, Ended } from './crash-processes.ts';
import { bodyOf, crashSource } from './crash-source.ts';
import type { Level } from './crash-trip.ts';
import { PART_BYTES, type Variant } from './crash-variants.ts';
import type { Origin } from './origin.ts';

const MiB = 1024 * 1024;
const RUN = 'r';
/** A lock of a dead process is stale by then. */
const STALE_LOCK_MS = 31_000;
/** Nobody of a stack lives longer than this behind its beginning. */
export const LIFETIME_MS = 16 * 60_000;

export interface World {
  readonly place: CrashPlace;
  readonly expected: Expected;
  readonly input: object;
  /** Requests to its sources so far. */
  readonly requests: () => number;
  /** What every process of it has in common. */
  readonly job: Pick<Job, 'place' | 'memoryBytes' | 'limits' | 'inProcess'>;
  close(): Promise<void>;
}

export interface Trial {
  readonly kills: number;
  readonly processes: number;
  /** Of the last process. */
  readonly counts: Readonly<Record<Level, number>> | undefined;
  readonly violations: readonly Violation[];
}

let worlds = 0;

/** Sources, a place, and what stands there. */
export async function makeWorld(variant: Variant, origin: Origin): Promise<World> {
  worlds += 1;
  const place = await openCrashPlace(variant.place);
  const items: Expected['items'][number][] = [];
  const list: object[] = [];
  const asked: (() => number)[] = [];
  for (const [key, shape] of Object.entries(variant.sources)) {
    const { versions, answer, asked: askedOf } = crashSource(`${variant.name} ${key}`, shape);
    asked.push(askedOf);
    const path = `/${worlds}/${key}`;
    origin.on(path, answer);
    const old = variant.replaces ? bodyOf('old', 3 * MiB) : undefined;
    if (old) await place.destination.put(key, old, { condition: { kind: 'absent' }, crc32: crc32(old) });
    items.push({ key, versions, old });
    const sha256 = createHash('sha256')
      .update(versions[0]?.bytes ?? '')
      .digest('hex');
    list.push({ url: origin.url(path), key, ...(variant.declared && { sha256 }) });
  }
  return {
    place,
    expected: { run: RUN, items },
    requests: () => asked.reduce((sum, one) => sum + one(), 0),
    input: { run: RUN, items: list, to: place.to, options: variant.options ?? {} },
    job: {
      place: place.place,
      memoryBytes: variant.memoryBytes ?? 64 * MiB,
      inProcess: !variant.deployed,
      limits: {
        usualPartBytes: PART_BYTES[variant.place],
        ...(variant.maxParts !== undefined && { maxParts: variant.maxParts }),
      },
    },
    close: () => place.close(),
  };
}

/**
 * A run that is killed as often as planned, each time goes on in a fresh process, and then comes to its end.
 */
export async function killAndGoOn(
  variant: Variant,
  { strikes, cleanAfter }: Plan,
  { origin, processes }: { readonly origin: Origin; readonly processes: CrashProcesses },
): Promise<Trial> {
  const world = await makeWorld(variant, origin);
  const { place, expected, input, job } = world;
  const violations: Violation[] = [];
  const seen = { kills: 0, processes: 0, bytes: 0 };
  const begin = async (work: Job['work'], trip?: Strike): Promise<Ended> => {
    seen.processes += 1;
    const aheadMs = variant.deployed ? seen.kills * LIFETIME_MS : 0;
    const given = { execution: `execution-${seen.processes}`, aheadMs, locksAheadMs: seen.kills * STALE_LOCK_MS };
    const process = processes.begin({ ...job, ...given, work, ...(trip && 'level' in trip && { trip }) });
    const timer = trip && 'afterMs' in trip ? setTimeout(process.kill, trip.afterMs) : undefined;
    const ended = await process.ended;
    clearTimeout(timer);
    seen.bytes += ended.bytes;
    if (ended.how === 'killed') seen.kills += 1;
    if (ended.how === 'failed' || ended.how === 'hung')
      violations.push({ invariant: 'end', found: `${ended.how} ${ended.words}` });
    return ended;
  };
  try {
    let counts: Ended['counts'];
    for (const trip of [...strikes, undefined]) {
      const ended = await begin({ kind: 'run', input }, trip);
      counts = ended.counts;
      violations.push(...(await checkObjects(place, expected)));
      if (ended.how !== 'killed') break;
      if (seen.kills !== cleanAfter) continue;
      await begin({ kind: 'clean', run: RUN });
      const isBegun = (await place.state.head(`runs/${RUN}/report.jsonl`)) !== undefined;
      if (isBegun) violations.push(...(await checkReport(place, expected)), ...(await checkLeftovers(place)));
    }
    violations.push(...(await checkEnd(world)));
    violations.push(
      ...checkFetched(expected, {
        bytes: seen.bytes,
        kills: seen.kills,
        requests: world.requests(),
        lanes: Math.max(expected.items.length, variant.options ? 3 : 1),
        partBytes: variant.maxParts === undefined ? PART_BYTES[variant.place] : 9 * MiB,
        startsOver: variant.declared === true || Object.values(variant.sources).some(({ kind }) => kind !== 'ranges'),
      }),
    );
    return { kills: seen.kills, processes: seen.processes, counts, violations };
  } finally {
    await world.close();
  }
}

/** All that must hold when a run is over. */
export async function checkEnd({ place, expected }: World): Promise<Violation[]> {
  const failed = (await unstored(place, RUN)).map((found): Violation => ({ invariant: 'end', found }));
  return [
    ...(await checkObjects(place, expected)),
    ...(await checkReport(place, expected)),
    ...(await checkLeftovers(place)),
    ...failed,
  ];
}
