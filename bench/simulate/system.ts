import { Environments, Prefix, Transitions } from './aws.ts';
import { EventQueue } from './event-queue.ts';
import { Hosts } from './hosts.ts';
import { Ledger } from './ledger.ts';
import { Random } from './random.ts';
import type { World } from './world.ts';

/** What one simulated run plays in: the world, AWS, a clock, chance, and the books. */
export interface System {
  readonly world: World;
  readonly hosts: Hosts;
  readonly prefix: Prefix;
  readonly environments: Environments;
  readonly transitions: Transitions;
  readonly queue: EventQueue;
  readonly random: Random;
  readonly ledger: Ledger;
}

export interface Result {
  readonly system: System;
  /** From the start to the report, milliseconds. */
  readonly wallMs: number;
  readonly rounds: number;
}

/** `perHostConnections`: what the referee holds everybody to. */
export function buildSystem(world: World, perHostConnections: number): System {
  return {
    world,
    hosts: new Hosts(world, perHostConnections),
    prefix: new Prefix(),
    environments: new Environments(),
    transitions: new Transitions(),
    queue: new EventQueue(),
    random: new Random(world.seed + 1),
    ledger: new Ledger(world.items),
  };
}
