import { checkFetched, checkLeftovers, checkObjects, checkReport, type Violation } from './crash-check.ts';
import type { Job } from './crash-job.ts';
import type { CrashProcesses, Ended, Working } from './crash-processes.ts';
import { checkEnd, LIFETIME_MS, makeWorld, type Trial } from './crash-trial.ts';
import type { Level, Trip } from './crash-trip.ts';
import { PART_BYTES, type Variant } from './crash-variants.ts';
import type { Origin } from './origin.ts';

export interface Overtaking {
  /** Where the first worker falls asleep. None: it does not. */
  readonly zombie: Trip | undefined;
  /** Who comes then: another execution, the next plan of the same one, or a second worker on the same shard. */
  readonly successor: 'execution' | 'plan' | 'worker';
  /** Where the successor falls asleep, too: then the first one wakes, and works to its end before it. */
  readonly meanwhile: Trip | undefined;
}

/** Anywhere in the work of both. */
export function anyOvertaking(counts: Readonly<Record<Level, number>>, random: () => number): Overtaking {
  const asleep = (most: number): Trip => {
    const when = random() < 0.5 ? 'before' : 'after';
    return { level: 'store', at: 1 + Math.floor(random() * most), when, signal: 'SIGSTOP' };
  };
  const zombie = asleep(counts.store);
  const successor = (['execution', 'plan', 'worker'] as const)[Math.floor(random() * 3)] ?? 'plan';
  // Its plan and its report stand around the work.
  return { zombie, successor, meanwhile: random() < 0.5 ? asleep(counts.store + 30) : undefined };
}

/**
 * Two attempts on one item, with no end of the first one known to the second: one sleeps past the time that it may live,
 * another one takes over, and then the first one wakes and knows of nothing.
 */
export async function overtake(
  variant: Variant,
  { zombie, successor, meanwhile }: Overtaking,
  { origin, processes }: { readonly origin: Origin; readonly processes: CrashProcesses },
): Promise<Trial> {
  const world = await makeWorld({ ...variant, deployed: true }, origin);
  const { place, expected, input, job } = world;
  const begin = (work: Job['work'], execution: string, aheadMs: number, trip: Trip | undefined) =>
    processes.begin({ ...job, work, execution, aheadMs, locksAheadMs: 0, ...(trip && { trip }) });
  const begun: Working[] = [];
  const violations: Violation[] = [];
  try {
    const first = begin({ kind: 'shard', input }, 'execution-1', 0, zombie);
    begun.push(first);
    const plan = await first.planned;
    const isAsleep = await first.stopped();
    const second =
      successor === 'execution'
        ? begin({ kind: 'run', input }, 'execution-2', LIFETIME_MS, meanwhile)
        : begin({ kind: 'go-on', plan, withShards: successor === 'worker' }, 'execution-1', LIFETIME_MS, meanwhile);
    begun.push(second);
    const isSecondAsleep = await second.stopped();
    violations.push(...(await checkObjects(place, expected)));
    if (!isSecondAsleep) violations.push(...(await checkReport(place, expected)));
    if (isAsleep) first.goOn();
    // Past the report nobody goes on with what a worker leaves for the next round. No worker lives so long: Plan waits.
    const mayLeave = isAsleep && !isSecondAsleep && variant.options !== undefined;
    const ended = [await first.ended];
    violations.push(...(await checkObjects(place, expected)));
    if (isSecondAsleep) second.goOn();
    ended.push(await second.ended);
    violations.push(...ended.flatMap(badEnd), ...(await checkEnd(world)).filter(({ invariant }) => invariant !== 'I2'));
    if (!mayLeave) violations.push(...(await checkLeftovers(place)));
    const bytes = ended.reduce((sum, one) => sum + one.bytes, 0);
    // As if the first one had been killed, and more: what both fetch at the same time.
    const fetched = { bytes, kills: 1, requests: world.requests(), lanes: 1, partBytes: PART_BYTES[variant.place] };
    violations.push(...checkFetched(expected, { ...fetched, startsOver: true }));
    return { kills: isAsleep ? 1 : 0, processes: 2, counts: ended[0]?.counts, violations };
  } finally {
    for (const process of begun) process.kill();
    await world.close();
  }
}

function badEnd({ how, words }: Ended): Violation[] {
  return how === 'done' ? [] : [{ invariant: 'end', found: `a process ${how} ${words}` }];
}
