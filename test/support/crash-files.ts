import { promises } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { Tripwire } from './crash-trip.ts';

/** Those that change something; between two of them a crash leaves what the first one left. */
const CALLS = ['open', 'writeFile', 'rename', 'link', 'rm', 'mkdir'];
const HANDLE_CALLS = ['write', 'sync', 'datasync', 'utimes'];

type Calls = Record<string, (...given: unknown[]) => Promise<unknown>>;

/** Lets every asynchronous write to the file system of this process pass the tripwire. */
export async function wireFiles(wire: Tripwire): Promise<void> {
  const handle = await promises.open(process.execPath);
  await handle.close();
  wrap(Object.getPrototypeOf(handle), HANDLE_CALLS, wire);
  wrap(promises as unknown as Calls, CALLS, wire);
  // Named imports of the modules that are loaded already see it, too.
  syncBuiltinESMExports();
}

function wrap(calls: Calls, names: readonly string[], wire: Tripwire): void {
  for (const name of names) {
    const call = calls[name];
    if (call === undefined) throw new Error(`there is no ${name}`);
    calls[name] = function (this: unknown, ...given) {
      return wire.around('files', () => call.apply(this, given));
    };
  }
}
