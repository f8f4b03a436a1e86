/**
 * `npm run crash:long -- <kills> [seed] [words of a name]`: as many kills as asked for, spread over the variants, before
 * and after every store operation first. Prints what was broken, and a table.
 */
import { anywhere, chance, everyOperation, type Plan } from '../support/crash-points.ts';
import { CrashProcesses } from '../support/crash-processes.ts';
import { killAndGoOn } from '../support/crash-trial.ts';
import { variants } from '../support/crash-variants.ts';
import { startOrigin } from '../support/origin.ts';

const [kills = '500', seed = '1', words = ''] = process.argv.slice(2);
const chosen = variants.filter(({ name }) => name.includes(words));
const perVariant = Math.ceil(Number(kills) / chosen.length);
const INVARIANTS = ['I1', 'I2', 'I3', 'I4', 'I8', 'end'] as const;
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
  const attempt = async (plan: Plan) => {
    const trial = await killAndGoOn(variant, plan, { origin, processes });
    count('kills', trial.kills);
    count('processes', trial.processes);
    for (const { invariant, found } of trial.violations) {
      count(invariant);
      console.log(`${invariant} ${variant.name}: ${found}\n   ${JSON.stringify(plan)}`);
    }
    return trial.counts;
  };
  const counts = await attempt({ strikes: [], cleanAfter: undefined });
  if (!counts) throw new Error(`${variant.name}: an undisturbed run did not end`);
  const points = everyOperation(counts, random).sort(() => random() - 0.5);
  while ((row.kills ?? 0) < perVariant) await attempt(points.pop() ?? anywhere(counts, random));
  console.log(variant.name, JSON.stringify(row));
}
await processes.close();
await origin.close();
console.table(table);
