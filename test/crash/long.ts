import { CrashProcesses } from '../support/crash-processes.ts';
import { killAndGoOn } from '../support/crash-trial.ts';
import { variants } from '../support/crash-variants.ts';
import { startOrigin } from '../support/origin.ts';
const origin = await startOrigin();
const processes = await CrashProcesses.start();
for (const v of variants) {
  if (process.argv[2] && !v.name.includes(process.argv[2])) continue;
  const t = performance.now();
  const trial = await killAndGoOn(v, [], { origin, processes });
  console.log(v.name, Math.round(performance.now() - t), JSON.stringify(trial));
}
await processes.close(); await origin.close();
