import { z } from 'zod';
import type { Item } from './item.ts';
import { MAX_OBJECT_BYTES } from './limits.ts';
import type { GivenOptions } from './merge-options.ts';
import type { Options } from './options.ts';

/**
 * What no run of a deployment exceeds, whatever its batch or its items ask for. More is not refused but lowered: the same
 * list runs in a large deployment and in a small one. `maxConcurrency` has a ceiling of its own.
 */
export const deployedLimits = z.strictObject({
  perHostConnections: z.int().min(1).max(1_000).optional(),
  maxBytes: z.int().min(0).max(MAX_OBJECT_BYTES).optional(),
  maxTotalBytes: z.int().min(1).optional(),
  maxHours: z.number().positive().max(8_760).optional(),
});
export type DeployedLimits = z.infer<typeof deployedLimits>;

const LIMITED = ['perHostConnections', 'maxBytes', 'maxTotalBytes', 'maxHours'] as const;

/** Pure. */
export function limitOptions(asked: Options, limits: DeployedLimits): Options {
  const limited = { ...asked };
  for (const name of LIMITED) {
    const most = limits[name];
    if (most !== undefined) limited[name] = Math.min(asked[name] ?? most, most);
  }
  const { perHostConnections } = limits;
  if (perHostConnections === undefined || !asked.hosts) return limited;
  const hosts = asked.hosts.map((host) =>
    host.connections === undefined ? host : { ...host, connections: Math.min(host.connections, perHostConnections) },
  );
  return { ...limited, hosts };
}

/** Names of the options that asked for more, as they were given. */
export function exceeding(given: GivenOptions, limits: DeployedLimits): readonly string[] {
  const { perHostConnections: most } = limits;
  const names = LIMITED.filter((name) => (given[name] ?? 0) > (limits[name] ?? Number.POSITIVE_INFINITY));
  const hosts = most !== undefined && given.hosts?.some(({ connections = 0 }) => connections > most);
  return hosts ? [...names, 'hosts'] : names;
}

/** The same for what an item asks for itself. */
export function limitItem(item: Item, { maxBytes }: DeployedLimits): Item {
  if (maxBytes === undefined || item.maxBytes === undefined || item.maxBytes <= maxBytes) return item;
  return { ...item, maxBytes };
}
