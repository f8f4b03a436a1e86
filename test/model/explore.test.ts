import { describe, expect, it } from 'vitest';
import { type Explorable, explore } from './explore.ts';

/** Two counters from 0 to 9, each raised on its own. */
function counters(judge: Explorable<readonly [number, number]>['judge']): Explorable<readonly [number, number]> {
  return {
    initial: [0, 0],
    encode: ([one, other]) => `${one},${other}`,
    next: ([one, other]) => [
      ...(one < 9 ? [['one', [one + 1, other]] as const] : []),
      ...(other < 9 ? [['other', [one, other + 1]] as const] : []),
    ],
    judge,
  };
}

describe('the search', () => {
  it('sees every state, and once each', () => {
    let judged = 0;
    const found = explore(
      counters(() => {
        judged += 1;
        return undefined;
      }),
    );

    expect(found).toEqual({ states: 100, transitions: 180, finals: 1, depth: 18, labels: new Set(['one', 'other']) });
    expect(judged).toBe(100);
  });

  it('tells the shortest way to what is wrong', () => {
    const { violation } = explore(counters(([one, other]) => (one === 2 && other === 1 ? 'there' : undefined)));

    expect(violation?.what).toBe('there');
    expect(violation?.trace.toSorted()).toEqual(['one', 'one', 'other']);
  });

  it('proves nothing where it meets its bound', () => {
    const ask = () =>
      explore(
        counters(() => undefined),
        50,
      );

    expect(ask).toThrow('more than 50 states');
  });
});
