/**
 * `npm run crash:long -- <kills> [seed] [words of a name]`: as many kills as asked for, spread over the variants, before
 * and after every store operation first; and a fifth as many zombies. Prints what was broken, and a table.
 */
import type { Violation } from '../support/crash-check.ts';
import { anywhere, chance, everyOperation, type Plan } from '../support/crash-points.ts';
import { CrashProcesses } from '../support/crash-processes.ts';
import { killAndGoOn } from '../support/crash-trial.ts';
import { variants } from '../support/crash-variants.ts';
import { anyOvertaking, overtake } from '../support/crash-zombie.ts';
import { startOrigin } from '../support/origin.ts';

const [kills = '500', seed = '1', words = ''] = process.argv.slice(2);
const chosen = variants.filter(({ name }) => name.includes(words));
const perVariant = Math.ceil(Number(kills) / chosen.length);
const INVARIANTS = ['I1', 'I2', 'I3', 'I4', 'I8', 'end'] as const;
/** A sleeping worker costs as much time as several kills. */
const KILLS_PER_ZOMBIE = 5;
/** On the stores, by one worker on its shard, of the smaller variants. */
const WORKER_OPERATIONS = 15;
const table: Record<string, Record<string, number>> = {};
const origin = await startOrigin();
const processes = await CrashProcesses.start();

for (const [index, variant] of chosen.entries()) {
  const random = chance(Number(seed) * 1_000 + index);
  const row: Record<string, number> = {
    kills: 0,
    processes: 0,
    ...Object.fromEntries(INVARIANTS.map((name) => [name, 0])),
  };
  table[variant.name] = row;
  const count = (name: string, by = 1) => {
    row[name] = (row[name] ?? 0) + by;
  };
  const note = (violations: readonly Violation[], plan: object) => {
    for (const { invariant, found } of violations) {
      count(invariant);
      console.log(`${invariant} ${variant.name}: ${found}\n   ${JSON.stringify(plan)}`);
    }
  };
  const attempt = async (plan: Plan) => {
    const trial = await killAndGoOn(variant, plan, { origin, processes });
    count('kills', trial.kills);
    count('processes', trial.processes);
    note(trial.violations, plan);
    return trial.counts;
  };
  const counts = await attempt({ strikes: [], cleanAfter: undefined });
  if (!counts) throw new Error(`${variant.name}: an undisturbed run did not end`);
  const points = everyOperation(counts, random).sort(() => random() - 0.5);
  while ((row.kills ?? 0) < perVariant) await attempt(points.pop() ?? anywhere(counts, random));
  for (let zombies = 0; zombies < perVariant / KILLS_PER_ZOMBIE; zombies += 1) {
    const plan = anyOvertaking({ ...counts, store: WORKER_OPERATIONS }, random);
    const trial = await overtake(variant, plan, { origin, processes });
    count('zombies', trial.kills);
    note(trial.violations, plan);
  }
  console.log(variant.name, JSON.stringify(row));
}
await processes.close();
await origin.close();
console.table(table);
