/** Everything that can happen next in a world, by whomever. */
import type { Step } from './explore.ts';
import type { Protocol } from './protocol.ts';
import { folded, orchestrate } from './run.ts';
import { Turn } from './worker.ts';
import { complete, relist, resolve, winner } from './worker-commit.ts';
import { ask, breakOff, checkpoint, create, gather, send } from './worker-fetch.ts';
import { spend, type Worker, type World, withWorker } from './world.ts';

export function stepsOf(protocol: Protocol, world: World): Step<World>[] {
  if (world.run.at === 'over' && world.workers.every(({ at }) => isGone(at))) return [];
  const steps: Step<World>[] = [...environment(protocol, world), ...orchestrate(protocol, world)];
  for (const [index, worker] of world.workers.entries()) {
    const turn = () => new Turn(protocol, world, index);
    for (const [label, next] of [...stepsOfWorker(worker, turn), ...misfortunes(world, index, turn)]) {
      steps.push([`${'ABC'[index]} ${label}`, next]);
    }
  }
  return steps;
}

export const isGone = (at: Worker['at']) => at === 'idle' || at === 'over' || at === 'dead';

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
  if (world.faults.crashes > 0) {
    const dead: Partial<Worker> = { at: 'dead', rows: [], generation: undefined };
    steps.push(['is killed', withWorker(spend(world, 'crashes'), index, dead)]);
  }
  if (worker.at === 'abort' && world.faults.lost > 0) {
    const at = turn();
    at.world = spend(at.world, 'lost');
    steps.push(['cannot abort its upload', at.abort(true)]);
  }
  const isReading = worker.answer !== 0 && ['gather', 'create', 'send'].includes(worker.at);
  if (isReading && world.faults.breaks > 0) steps.push(...breakOff(turn));
  if (['ask', 'send'].includes(worker.at)) steps.push(...leave(turn));
  // Rows that nobody will read any more need not be told from those that are lost.
  if (worker.rows.length > 0 && !folded(world, worker.round)) {
    const at = turn();
    at.flush();
    steps.push(['writes its rows down', at.world]);
  }
  return steps;
}

/** Time is up, or the round is over: at a part boundary. */
function leave(turn: () => Turn): Step<World>[] {
  const { worker, isRange } = turn();
  const canGoOn = worker.generation?.isCheckpointed === true && worker.generation.upload >= 0;
  const deferred = turn();
  deferred.record({ row: 'deferred', index: 0, line: 1, attempts: 0 });
  if (!canGoOn) return [['has to leave', deferred.drop('close')]];
  const goesOn = turn().become({ at: 'close', answer: 0, half: 0 });
  const later = deferred.become({ at: 'close', answer: 0, half: 0 });
  return isRange
    ? [['has to leave', later]]
    : [
        ['has to leave, to go on at once', goesOn],
        ['has to leave', later],
      ];
}
