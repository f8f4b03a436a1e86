import { it } from 'vitest';
import { GiB, MiB } from '../../lib/contract/limits.ts';
import { expectSteadyMemory, slowStore } from './figures.ts';

it('I7: a file four times as large takes no more memory', () =>
  expectSteadyMemory({ name: 'fast', slots: 1, sizes: [0.25 * GiB, 1 * GiB] }));

it('I7: eight transfers at once stay within the memory of a small Lambda, over a slow store as well', () =>
  expectSteadyMemory({ name: 'slow store', slots: 8, sizes: [0.25 * GiB, 0.75 * GiB], rig: slowStore(150 * MiB) }));
