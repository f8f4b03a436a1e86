import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lanesOf, piecesByGroup } from '../../lib/plan/lanes.ts';

const someHosts = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { maxLength: 100 });

describe('piecesByGroup', () => {
  it('puts every item into the group of its host, in the order of the list', () => {
    const keyOf = (host: string) => (host < 'c' ? 'b' : host);
    const connectionsOf = (key: string) => key.charCodeAt(0);

    fc.assert(
      fc.property(someHosts, (hosts) => {
        const groupOf = (host: string) => ({ key: keyOf(host), connections: connectionsOf(keyOf(host)) });
        const items = hosts.map((host) => ({ host, bytes: undefined, most: undefined }));
        const wanted = Map.groupBy(hosts.keys(), (position) => keyOf(hosts[position] ?? ''));

        const groups = [...piecesByGroup(items, { perHostConnections: 1, groupOf })];

        expect(groups.map(({ connections, positions }) => ({ connections, positions: [...positions] }))).toEqual(
          Array.from(wanted, ([key, positions]) => ({ connections: connectionsOf(key), positions })),
        );
      }),
    );
  });
});

describe('lanesOf', () => {
  it('leaves no hole in a lane, keeps the order of the list in it, and sums up its weight', () => {
    const sizes = fc.array(fc.option(fc.integer({ min: 0, max: 1e9 }), { nil: undefined }), { maxLength: 60 });

    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 8 }), (bytes, connections) => {
        const items = bytes.map((size) => ({ host: 'a', bytes: size, most: undefined }));

        const { shared, confined } = lanesOf(Uint32Array.from(items.keys()), items, { connections, laneWeight: 1 });

        expect(confined).toEqual([]);
        expect(shared.length).toBe(Math.min(connections, items.length));
        expect(shared.flatMap((lane) => lane.items).sort((a, b) => a - b)).toEqual([...items.keys()]);
        for (const lane of shared) {
          expect(lane.items).toEqual(lane.items.toSorted((a, b) => a - b));
          const weights = lane.items.map((position) => (bytes[position] ?? 2 ** 20) + 2 ** 18);
          expect(lane.weight).toBe(weights.reduce((sum, weight) => sum + weight, 0));
        }
      }),
    );
  });
});
