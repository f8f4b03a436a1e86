/** Everything that can happen next in a world, by whomever. */
import type { Step } from './explore.ts';
import { idOf, type Protocol } from './protocol.ts';
import { orchestrate } from './run.ts';
import { Turn } from './worker.ts';
import { complete, relist, resolve, winner } from './worker-commit.ts';
import { ask, breakOff, checkpoint, create, gather, send } from './worker-fetch.ts';
import { isGone, REST, spend, type Worker, type World, withWorker } from './world.ts';

export function stepsOf(protocol: Protocol, world: World): Step<World>[] {
  if (world.run.at === 'over' && world.workers.every(({ at }) => isGone(at))) return [];
  const alone = world.workers.findIndex((_, index) => isUnseen(protocol, world, index));
  if (alone >= 0) return stepsOfOne(protocol, world, alone);
  return [
    ...environment(protocol, world),
    ...orchestrate(protocol, world),
    ...world.workers.flatMap((_, index) => stepsOfOne(protocol, world, index)),
  ];
}

/** All that one worker can do or suffer. */
function stepsOfOne(protocol: Protocol, world: World, index: number): Step<World>[] {
  const turn = () => new Turn(protocol, world, index);
  const { worker } = turn();
  const steps = [...stepsOfWorker(worker, turn), ...misfortunes(world, index, turn)];
  return steps.map(([label, next]) => [`${'ABC'[index]} ${label}`, next]);
}

/**
 * Nobody sees what a worker does to an upload of its own once nobody is left to begin: no other request concerns that
 * upload, it reads neither source nor object, and whoever reads its rows may find any first few of them anyway. Such a
 * step changes places with every step of everybody else, its misfortunes included (of one budget, only one of two can
 * happen in either order). So it is enough to let it happen first, and to leave all orders to what can be seen.
 */
function isUnseen({ works, scenario }: Protocol, { workers }: World, index: number): boolean {
  const worker = workers[index];
  if (!scenario.isReduced || !worker || !['create', 'checkpoint', 'send', 'abort'].includes(worker.at)) return false;
  const upload = worker.at === 'abort' ? worker.abort : (worker.generation?.upload ?? -1);
  return workers.every((other, at) => {
    if (at === index || other.at === 'over' || other.at === 'dead') return true;
    if (other.at === 'idle') return false;
    const open = works.at(other.work).open?.upload;
    return (other.generation?.upload !== upload && (open === undefined || open !== idOf(upload))) || upload < 0;
  });
}

function environment({ scenario }: Protocol, world: World): Step<World>[] {
  const steps: Step<World>[] = [];
  // Nobody reads the source any more: what it holds makes no difference.
  const isRead = world.workers.some(({ at }) => at !== 'over' && at !== 'dead');
  if (world.source === 1 && isRead) steps.push(['the source changes to v2', { ...world, source: 2 }]);
  if (scenario.foreignWriter && world.buried === undefined) {
    const object = { by: 'foreign', etag: 'foreign', content: '' } as const;
    steps.push(['somebody else writes the object', { ...world, object, buried: world.object }]);
  }
  return steps;
}

function stepsOfWorker(worker: Worker, turn: () => Turn): Step<World>[] {
  switch (worker.at) {
    case 'idle':
    case 'over':
    case 'dead':
      return [];
    case 'begin':
      return [['says that it began', turn().begin()]];
    case 'marker':
      return [['looks for the marker', turn().lookForMarker()]];
    case 'look':
      return [['looks at the target', turn().look()]];
    case 'take':
      return [['lists the parts', turn().take()]];
    case 'open':
      return [['begins to read', turn().open()]];
    case 'gather':
      return [['reads it all', gather(turn())]];
    case 'create':
      return create(turn);
    case 'checkpoint':
      return [['writes the checkpoint down', checkpoint(turn())]];
    case 'ask':
      return ask(turn);
    case 'send':
      return [[`sends part ${worker.part} of v${worker.answer}`, send(turn())]];
    case 'complete':
      return complete(turn);
    case 'relist':
      return [['lists the parts again', relist(turn())]];
    case 'resolve':
      return [['looks whether its commit happened', resolve(turn())]];
    case 'winner':
      return [['looks who won', winner(turn())]];
    case 'abort':
      return [[`aborts upload ${worker.abort}`, turn().abort(false)]];
    case 'close':
      return [['ends', turn().close()]];
  }
}

function misfortunes(world: World, index: number, turn: () => Turn): Step<World>[] {
  const { worker } = turn();
  if (isGone(worker.at)) return [];
  const steps: Step<World>[] = [];
  if (world.faults.stops > 0) {
    const dead: Partial<Worker> = { ...REST, at: 'dead' };
    steps.push(['is killed', withWorker(spend(world, 'stops'), index, dead)]);
  }
  if (worker.at === 'abort' && world.faults.lost > 0) {
    const at = turn();
    at.world = spend(at.world, 'lost');
    steps.push(['cannot abort its upload', at.abort(true)]);
  }
  const isReading = worker.answer !== 0 && ['gather', 'create', 'send'].includes(worker.at);
  if (isReading && world.faults.breaks > 0) steps.push(...breakOff(turn));
  if (['ask', 'send'].includes(worker.at) && world.faults.stops > 0) steps.push(...leave(turn));
  return steps;
}

/** Time is up, or the round is over: at a part boundary. */
function leave(turn: () => Turn): Step<World>[] {
  const { worker, isRange } = turn();
  const canGoOn = worker.generation?.isCheckpointed === true && worker.generation.upload >= 0;
  const begun = () => {
    const at = turn();
    at.world = spend(at.world, 'stops');
    return at;
  };
  const deferred = begun();
  deferred.record({ row: 'deferred', index: 0, line: 1, attempts: 0 });
  if (!canGoOn) return [['has to leave', deferred.drop('close')]];
  const goesOn = begun().become({ at: 'close', answer: 0, half: 0 });
  const later = deferred.become({ at: 'close', answer: 0, half: 0 });
  return isRange
    ? [['has to leave', later]]
    : [
        ['has to leave, to go on at once', goesOn],
        ['has to leave', later],
      ];
}
