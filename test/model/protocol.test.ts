/**
 * The commit protocol in a small world, explored to its end: sources that change, workers that die, twins, zombies, lost
 * replies, a foreign writer. What the engine decides, its own functions decide here, too. `SKYHAUL_MODEL_TRACES=1` shows
 * how each naive protocol fails.
 */
import { afterAll, describe, expect, it } from 'vitest';
import type { Explored } from './explore.ts';
import type { Invariant } from './invariants.ts';
import { check, endingsOf } from './model.ts';
import { type Scenario, scenario, type Variant } from './scenario.ts';

const none = { stops: 0, breaks: 0, lost: 0 };
const killed = { ...none, stops: 1 };
const cut = { ...none, breaks: 1 };
const lost = { ...none, lost: 1 };
const ranges = { shape: 'ranges', parts: 3 } as const;

/** With a step that must be among those taken, so that no world is smaller than it says. */
const HOLDS: readonly (readonly [name: string, world: Partial<Scenario>, takes: string])[] = [
  [
    'create, 1 part, every fault, a foreign writer',
    { parts: 1, foreignWriter: true, faults: { stops: 1, breaks: 1, lost: 1 } },
    'commits, the answer is lost',
  ],
  [
    'create, 1 part, stopped at any time',
    { parts: 1, mayStop: true, lateBegin: true, faults: killed },
    'Plan finds the run stopped',
  ],
  ['create, 2 parts, killed and cut', { faults: { ...cut, stops: 1 } }, 'loses its connection within a part'],
  ['create, 2 parts, a reply lost', { faults: lost }, 'cannot abort its upload'],
  ['create, 2 parts, a foreign writer', { foreignWriter: true, faults: killed }, 'looks who won'],
  ['create, 3 parts, killed', { parts: 3, faults: killed }, 'asks for 3.. of v1: 206 of v2, changed'],
  [
    'create, 2 parts, stopped at any time',
    { mayStop: true, lateBegin: true, faults: killed },
    'the janitor finds nobody alive',
  ],
  [
    'create, 2 parts, a source without ranges',
    { ranges: 'refused', faults: cut },
    'asks for 2.. of v1: 200 of v1, whole',
  ],
  [
    'create, 2 parts, a source without strong validator',
    { validator: 'weak', faults: { ...cut, stops: 1 } },
    'loses its connection',
  ],
  [
    'replace a file, 2 parts, a foreign writer',
    { overwrite: 'if-changed', existing: 'other', foreignWriter: true, faults: killed },
    'looks who won',
  ],
  [
    'replace a file, 2 parts, a reply lost',
    { overwrite: 'if-changed', existing: 'other', faults: lost },
    'commits, but it never arrives',
  ],
  [
    'replace version 1, 2 parts, a foreign writer',
    { overwrite: 'if-changed', existing: 'version-1', foreignWriter: true, faults: killed },
    'looks who won',
  ],
  [
    'replace version 1, 2 parts, ETags are digests',
    { overwrite: 'if-changed', existing: 'version-1', etags: 'digest', faults: { ...killed, lost: 1 } },
    'looks who won',
  ],
  [
    'overwrite always, 2 parts',
    { overwrite: 'always', existing: 'version-1', faults: killed },
    'asks for 2.. of v1: 200 of v2, whole',
  ],
  ['ranges, killed and cut', { ...ranges, faults: { ...cut, stops: 1 } }, 'asks for 2.. of v1: 206 of v2, changed'],
  ['ranges, a reply lost', { ...ranges, faults: lost }, 'lists the parts again'],
  ['ranges, stopped at any time', { ...ranges, mayStop: true, faults: killed }, 'the janitor finds nobody alive'],
  [
    'ranges that replace a file, a foreign writer',
    { ...ranges, overwrite: 'if-changed', existing: 'other', foreignWriter: true, faults: killed },
    'looks who won',
  ],
];

interface Naive {
  readonly variant: Partial<Variant>;
  readonly world: Partial<Scenario>;
  readonly breaks: Invariant;
}

const NAIVE: Readonly<Record<string, Naive>> = {
  'goes on without a look at the validator': {
    variant: { validator: 'ignored' },
    world: { faults: cut },
    breaks: 'I1',
  },
  'goes on with what the source is now': { variant: { pin: 'anew' }, world: { faults: killed }, breaks: 'I1' },
  'joins ranges without a look at the validator': {
    variant: { validator: 'ignored' },
    world: { ...ranges },
    breaks: 'I1',
  },
  'creates without a condition': { variant: { commit: 'unconditional' }, world: {}, breaks: 'I3' },
  'replaces without a condition': {
    variant: { commit: 'unconditional' },
    world: { overwrite: 'if-changed', existing: 'other' },
    breaks: 'I3',
  },
  'takes whatever won the race for its own': { variant: { loser: 'adopts-anything' }, world: {}, breaks: 'I3' },
  'takes a commit without an answer for done': {
    variant: { lostReply: 'assumed-done' },
    world: { faults: lost },
    breaks: 'I3',
  },
  'lets the janitor in while a zombie may live': {
    variant: { janitor: 'early' },
    world: { mayStop: true, faults: killed },
    breaks: 'I2',
  },
  'lets the janitor forget the rounds before': {
    variant: { janitor: 'knows-newest-round-only' },
    world: { mayStop: true, faults: killed },
    breaks: 'I2',
  },
  'tells nobody that a round is over': {
    variant: { marker: 'on-stop-only' },
    world: { lateBegin: true, faults: killed },
    breaks: 'I2',
  },
  'lets the janitor leave no marker': {
    variant: { marker: 'none' },
    world: { mayStop: true, lateBegin: true, faults: killed },
    breaks: 'I2',
  },
  'reports a stopped run at once': {
    variant: { stoppedPlan: 'reports-at-once' },
    world: { mayStop: true, faults: killed },
    breaks: 'I2',
  },
  'calls it a conflict when its own twin has won': {
    variant: { loser: 'compares-bytes' },
    world: { faults: killed },
    breaks: 'L1',
  },
  'does not list parts again whose ETags changed': {
    variant: { invalidPart: 'fatal' },
    world: { ...ranges },
    breaks: 'L3',
  },
};

const explored: { readonly name: string; readonly found: Explored; readonly ms: number }[] = [];

function explain(name: string, run: () => Explored): Explored {
  const begun = performance.now();
  const found = run();
  explored.push({ name, found, ms: performance.now() - begun });
  return found;
}

afterAll(() => {
  for (const { name, found, ms } of explored) {
    const { states, transitions, depth, violation } = found;
    console.log(
      `${String(states).padStart(8)} states ${String(transitions).padStart(8)} steps, depth ${depth}, ${Math.round(ms)} ms  ${name}${violation ? `: ${violation.what}` : ''}`,
    );
    if (violation && process.env.SKYHAUL_MODEL_TRACES)
      console.log(violation.trace.map((step) => `           ${step}`).join('\n'));
  }
});

describe('the commit protocol', () => {
  it.each(HOLDS)('I1, I2, I3, I4, I5: holds in every state of: %s', (name, world, takes) => {
    const found = explain(name, () => check(scenario(world)));

    expect(found.violation).toBeUndefined();
    expect(found.finals).toBeGreaterThan(0);
    expect(Array.from(found.labels, (label) => label.replace(/^[ABC] /, ''))).toContain(takes);
  });

  it('S09: throws no upload away because a zombie has sent one of its parts again', () => {
    const found = explain('ranges, every ETag of its own', () =>
      check(scenario({ ...ranges, faults: killed }), {}, ['L3']),
    );

    expect(found.violation).toBeUndefined();
  });

  it('ends in the same ways when no order of steps is left out', () => {
    const world = scenario({ faults: killed });

    expect(endingsOf(world)).toEqual(endingsOf({ ...world, isReduced: false }));
  });
});

describe('a protocol that', () => {
  it.each(Object.entries(NAIVE))('%s fails', (name, { variant, world, breaks }) => {
    const { violation } = explain(`naive: ${name}`, () => check(scenario(world), variant, [breaks]));

    expect(violation?.what).toMatch(`${breaks}: `);
  });
});

describe('what no condition on an ETag can see', () => {
  it('I3: a twin that replaces what was written over the very same bytes, where ETags are digests', () => {
    const world = scenario({ overwrite: 'always', existing: 'version-1', etags: 'digest' });

    const { violation } = explain('known limit: ETags that do not change', () => check(world));

    expect(violation?.what).toMatch('I3: ');
  });
});
