import fs, { promises } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { Tripwire } from './crash-trip.ts';

/** Those that change something; between two of them a crash leaves what the first one left. */
const CALLS = ['open', 'writeFile', 'rename', 'link', 'rm', 'unlink', 'mkdir'];
const SYNC_CALLS = ['renameSync', 'futimesSync'];
const HANDLE_CALLS = ['write', 'sync', 'datasync'];

type Calls = Record<string, (...given: unknown[]) => Promise<unknown>>;
type SyncCalls = Record<string, (...given: unknown[]) => unknown>;

/** Lets every write to the file system of this process pass the tripwire. */
export async function wireFiles(wire: Tripwire): Promise<void> {
  const handle = await promises.open(process.execPath);
  await handle.close();
  wrap(Object.getPrototypeOf(handle), HANDLE_CALLS, wire);
  wrap(promises as unknown as Calls, CALLS, wire);
  wrapSync(fs as unknown as SyncCalls, SYNC_CALLS, wire);
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

/** What is behind one is before the next one. */
function wrapSync(calls: SyncCalls, names: readonly string[], wire: Tripwire): void {
  for (const name of names) {
    const call = calls[name];
    if (call === undefined) throw new Error(`there is no ${name}`);
    calls[name] = (...given) => {
      wire.pass('files', 'before');
      return call(...given);
    };
  }
}
