/** The run around the workers: who begins when, Plan between two rounds, the end, the janitor (plan-run.ts, clean-run.ts). */
import type { Step } from './explore.ts';
import { ledgerOf, type Protocol } from './protocol.ts';
import { isGone } from './steps.ts';
import { Turn } from './worker.ts';
import type { RunNow, World } from './world.ts';

/** Plan has read the ledger of this round. */
export function folded({ run }: World, round: number): boolean {
  return run.round > round || run.at === 'checked' || run.at === 'over';
}

export function orchestrate(protocol: Protocol, world: World): Step<World>[] {
  const { run } = world;
  switch (run.at) {
    case 'going':
      return [...beginnings(protocol, world), ...plans(protocol, world), ...stops(protocol, world)];
    case 'ending':
      return [...reports(protocol, world), ...stops(protocol, world)];
    case 'killed':
      return [...lateBeginnings(protocol, world), ...janitor(protocol, world)];
    case 'checked':
      return [['the janitor aborts what is open, and reports', ended(world)]];
    case 'over':
      return [];
  }
}

/** Whoever is to begin in this round. Twins are alike: the first one is the first. */
function beginnings(protocol: Protocol, world: World): Step<World>[] {
  const { run, workers } = world;
  const planned = plannedWork(protocol, run.left, run.round);
  const isTwins = protocol.scenario.shape === 'twins';
  return workers.flatMap((worker, index): Step<World>[] => {
    if (worker.at !== 'idle') return [];
    if (isTwins ? index > 0 && workers[index - 1]?.at === 'idle' : roundOf(index) !== run.round) return [];
    const shard = isTwins || run.round === 2 ? 0 : index;
    const turn = new Turn(protocol, world, index);
    const work = planned[isTwins || run.round === 2 ? 0 : index];
    return work === undefined ? [] : [[`${'ABC'[index]} reads its work`, turn.start(run.round, shard, work)]];
  });
}

/** Requests of a killed execution may still be on their way to a worker. */
function lateBeginnings(protocol: Protocol, world: World): Step<World>[] {
  return beginnings(protocol, world);
}

/** In the model of ranges: A and B have one each in round 1, C all that is left in round 2. */
const roundOf = (index: number) => (index < 2 ? 1 : 2);

/**
 * What Plan hands out. It may always hand out the whole of an item: whether it cuts it depends on sizes and on who
 * crashed, of which this model knows nothing.
 */
function plannedWork({ lefts, works, scenario }: Protocol, left: number, round: number): number[] {
  const { open, restarts, whole } = lefts.at(left);
  const state = { open, restarts, whole };
  if (scenario.shape === 'twins' || round === 2) return [works.id({ kind: 'item', ...state })];
  return [2, 3].map((part) => works.id({ kind: 'range', parts: { first: part, last: part }, ...state }));
}

function plans(protocol: Protocol, world: World): Step<World>[] {
  const { run, workers } = world;
  const { round } = run;
  // A worker that returned, died, or is only believed dead: all the same to Plan, once there was one.
  if (!workers.some((worker) => worker.at !== 'idle' && worker.round === round)) return [];
  const { variant } = protocol;
  const marked =
    variant.marker === 'before-the-ledger-is-read' ? Math.max(run.stoppedThrough, round) : run.stoppedThrough;
  const after = afterFold(protocol, { ...world, run: { ...run, stoppedThrough: marked } });
  if (run.isStopAsked) {
    const at = variant.stoppedPlan === 'ends-uploads' ? 'ending' : 'over';
    return [['Plan finds the run stopped', { ...after, run: { ...after.run, at } }]];
  }
  if (after.run.left === -1) return [['Plan finds all done', { ...after, run: { ...after.run, at: 'ending' } }]];
  const isLast = protocol.scenario.shape === 'ranges' ? round === 2 : workers.every(({ at }) => at !== 'idle');
  const stop: Step<World> = ['Plan meets a limit of the run', { ...after, run: { ...after.run, at: 'ending' } }];
  return isLast ? [stop] : [['Plan lays out another round', after], stop];
}

function afterFold(protocol: Protocol, world: World): World {
  const { run } = world;
  const shards = protocol.scenario.shape === 'ranges' && run.round === 1 ? [0, 1] : [0];
  const ledgers = shards.map((shard) => ledgerOf(world, run.round, shard)).join('+');
  const { left, outcomes, busyUntil } = protocol.foldRound(ledgers, run.left);
  return {
    ...world,
    run: {
      ...run,
      round: run.round + 1,
      left: left ?? -1,
      outcomes: [...run.outcomes, ...outcomes],
      busyUntil: Math.max(run.busyUntil, busyUntil),
    },
  };
}

/** Workers that began and live still keep the clock from passing their last hour. */
function now({ workers }: World): number {
  const isAlive = workers.some(({ at }) => !isGone(at) && at !== 'begin');
  return isAlive ? 0 : 1_000;
}

function reports(protocol: Protocol, world: World): Step<World>[] {
  if (world.run.busyUntil > now(world)) return [];
  return [['Plan aborts what is open, and reports', ended(world)]];
}

function ended(world: World): World {
  const uploads = world.uploads.map((upload) =>
    upload.state === 'open' ? { ...upload, state: 'aborted' as const } : upload,
  );
  return { ...world, uploads, run: { ...world.run, at: 'over' } };
}

/** Somebody stops the run: first the marker, then the execution. Or the execution is killed without a word. */
function stops({ scenario }: Protocol, world: World): Step<World>[] {
  if (!scenario.mayStop) return [];
  const { run } = world;
  const changed = (change: Partial<RunNow>): World => ({ ...world, run: { ...run, ...change } });
  const steps: Step<World>[] = [['the execution is killed', changed({ at: 'killed' })]];
  if (!run.isStopAsked) {
    const marker = { isStopAsked: true, stoppedThrough: Number.MAX_SAFE_INTEGER };
    steps.push(['the run is asked to stop', changed(marker)]);
  }
  return steps;
}

/** First the marker, then the ledger. */
function janitor(protocol: Protocol, world: World): Step<World>[] {
  const { run } = world;
  const { variant } = protocol;
  if (run.stoppedThrough !== Number.MAX_SAFE_INTEGER && variant.marker !== 'none') {
    const marked = { ...run, stoppedThrough: Number.MAX_SAFE_INTEGER };
    return [['the janitor writes the marker', { ...world, run: marked }]];
  }
  const wasLaidOut = world.workers.some(({ at, round }) => at !== 'idle' && round === run.round);
  const shards = [...new Set(world.workers.map(({ shard }) => shard))];
  const inLedger = Math.max(...shards.map((shard) => protocol.busyUntil(ledgerOf(world, run.round, shard))));
  const known = variant.janitor === 'knows-newest-round-only' ? 0 : run.busyUntil;
  const until = Math.max(known, inLedger);
  if (variant.janitor !== 'early' && until > now(world)) return [];
  const after = wasLaidOut && run.left !== -1 ? afterFold(protocol, world) : world;
  return [['the janitor finds nobody alive', { ...after, run: { ...after.run, at: 'checked' } }]];
}
