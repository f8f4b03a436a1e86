/** The run around the workers: who begins when, Plan between two rounds, the end, the janitor (plan-run.ts, clean-run.ts). */
import type { Step } from './explore.ts';
import { ledgerOf, type Protocol } from './protocol.ts';
import { Turn } from './worker.ts';
import { isGone, type RunNow, type World, withWorker } from './world.ts';

export function orchestrate(protocol: Protocol, world: World): Step<World>[] {
  const { run } = world;
  switch (run.at) {
    case 'going':
      return [...beginnings(protocol, world), ...plans(protocol, world), ...stops(protocol, world)];
    case 'ending':
      return [...reports(world), ...stops(protocol, world)];
    case 'killed':
      // Requests of a killed execution may still be on their way to a worker.
      return [...beginnings(protocol, world), ...janitor(protocol, world)];
    case 'checked':
      return [['the janitor aborts what is open, and reports', ended(world)]];
    case 'over':
      return [];
  }
}

/** Whoever is to begin in this round. Twins are alike: the first one is the first. */
function beginnings(protocol: Protocol, world: World): Step<World>[] {
  const { run, workers } = world;
  if (run.left === -1) return [];
  const planned = plannedWork(protocol, run.left, run.round);
  const isTwins = protocol.scenario.shape === 'twins';
  return workers.flatMap((worker, index): Step<World>[] => {
    if (worker.at !== 'idle') return [];
    if (isTwins ? index > 0 && workers[index - 1]?.at === 'idle' : roundOf(index) !== run.round) return [];
    const shard = isTwins || run.round === 2 ? 0 : index;
    const work = planned[shard];
    if (work === undefined) return [];
    return readings(world, run.round, shard).map((read): Step<World> => {
      const turn = new Turn(protocol, read, index);
      return [`${'ABC'[index]} reads its work`, turn.start(run.round, shard, work)];
    });
  });
}

/**
 * The worlds in which somebody reads the ledger of a round now. A row that was recorded is in it, or is not: a worker
 * writes at its leisure, in order, and loses the rest when it dies.
 */
function readings(world: World, round: number, shard?: number): World[] {
  return world.workers.reduce<World[]>(
    (worlds, worker, index) => {
      if (worker.round !== round || worker.rows.length === 0) return worlds;
      if (shard !== undefined && worker.shard !== shard) return worlds;
      const prefixes = Array.from({ length: worker.rows.length + 1 }, (_, length) => length);
      return worlds.flatMap((one) =>
        prefixes.map((length) =>
          withWorker(one, index, {
            flushed: [...worker.flushed, ...worker.rows.slice(0, length)],
            rows: worker.at === 'dead' ? [] : worker.rows.slice(length),
          }),
        ),
      );
    },
    [world],
  );
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
  // All have returned, died, or are believed dead, though one of them may be a zombie.
  const ofRound = workers.filter((worker) => worker.at !== 'idle' && worker.round === round);
  const zombies = ofRound.filter(({ at }) => !isGone(at));
  if (ofRound.length === 0 || zombies.length > 1) return [];
  const isLast = protocol.scenario.shape === 'ranges' ? round === 2 : workers.every(({ at }) => at !== 'idle');
  return readings(world, round).flatMap((read) => plan(protocol, read, isLast));
}

function plan(protocol: Protocol, world: World, isLast: boolean): Step<World>[] {
  const { variant } = protocol;
  const { run } = world;
  const through = variant.marker === 'before-the-ledger-is-read' ? run.round : -1;
  const marked = { ...run, stoppedThrough: Math.max(run.stoppedThrough, through) };
  const after = afterFold(protocol, { ...world, run: marked });
  const goesTo = (at: RunNow['at']): World => ({ ...after, run: { ...after.run, at } });
  if (run.isStopAsked) {
    return [['Plan finds the run stopped', goesTo(variant.stoppedPlan === 'ends-uploads' ? 'ending' : 'over')]];
  }
  if (after.run.left === -1) return [['Plan finds all done', goesTo('ending')]];
  const stop: Step<World> = ['Plan meets a limit of the run', goesTo('ending')];
  return isLast ? [stop] : [['Plan lays out another round', after], stop];
}

function afterFold(protocol: Protocol, world: World): World {
  const { run } = world;
  const shards = protocol.scenario.shape === 'ranges' && run.round === 1 ? [0, 1] : [0];
  const ledgers = shards.map((shard) => ledgerOf(world, run.round, shard)).join('+');
  const { left, outcomes, busyUntil } = protocol.foldRound(ledgers, run.left);
  return {
    ...world,
    // Nobody reads it again.
    workers: world.workers.map((worker) =>
      worker.round === run.round ? { ...worker, rows: [], flushed: [] } : worker,
    ),
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

function reports(world: World): Step<World>[] {
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
  return readings(world, run.round).map((read): Step<World> => {
    const after = wasLaidOut && run.left !== -1 ? afterFold(protocol, read) : read;
    return ['the janitor finds nobody alive', { ...after, run: { ...after.run, at: 'checked' } }];
  });
}
