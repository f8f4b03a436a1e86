import { parseArgs } from 'node:util';
import { OUR_DEFAULTS, simulateOurs } from './ours.ts';
import { SHARD_LINES, simulateFixedShards, simulateOnePerChild } from './peers.ts';
import type { Result } from './system.ts';
import { HEADER, rowOf, worldLines } from './table.ts';
import { buildWorld } from './world.ts';

/**
 * A list of ten million lines on AWS, as it would go: Skyhaul's planner and lanes, one line per child of the Map, and fixed
 * shards with many threads. The same seed gives the same table. `npm run bench:simulate -- --items 100000`
 */
const { values } = parseArgs({
  options: {
    items: { type: 'string', default: '10000000' },
    hosts: { type: 'string', default: '100000' },
    zipf: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    widths: { type: 'string', default: '50,1000,10000' },
    only: { type: 'string', default: 'skyhaul,child,shards' },
  },
});

// Errors are data here, half a million of them.
Error.stackTraceLimit = 0;
const world = buildWorld({
  seed: Number(values.seed),
  items: Number(values.items),
  hosts: Number(values.hosts),
  zipf: Number(values.zipf),
});
const widths = values.widths.split(',').map(Number);
const { perHostConnections } = OUR_DEFAULTS;

const systems: Record<string, (concurrency: number) => Result | Promise<Result>> = {
  skyhaul: (concurrency) => simulateOurs(world, { ...OUR_DEFAULTS, concurrency }),
  child: (concurrency) => simulateOnePerChild(world, { concurrency, perHostConnections, memoryMegabytes: 256 }),
  shards: (concurrency) => simulateFixedShards(world, { concurrency, perHostConnections, memoryMegabytes: 1_024 }),
};
const names: Record<string, string> = {
  skyhaul: 'Skyhaul',
  child: 'one line per child',
  shards: 'fixed shards, 256 threads',
};

console.log(worldLines(world).join('\n'));
console.log(HEADER);
for (const name of values.only.split(',')) {
  for (const width of widths) {
    if (name === 'shards' && isMoreThanShards(width)) continue;
    const began = performance.now();
    const result = await systems[name]?.(width);
    if (!result) throw new Error(`nothing is called ${name}`);
    console.log(rowOf(names[name] ?? name, width, result));
    const seconds = ((performance.now() - began) / 1_000).toFixed(0);
    const { maxRSS } = process.resourceUsage();
    console.error(`${name} ${width}: simulated in ${seconds} s, at most ${Math.round(maxRSS / 1_024)} MiB so far`);
  }
}

/** More workers than shards: the row would say the same once more. */
function isMoreThanShards(width: number): boolean {
  const shards = world.items / SHARD_LINES;
  return widths.some((other) => other < width && other >= shards);
}
