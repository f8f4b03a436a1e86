import type { Readable } from 'node:stream';
import { type Summary, summary } from '../lib/contract/summary.ts';
import { heartbeat } from '../lib/plan/claim.ts';
import { awsVault } from '../lib/transfer/read-secret.ts';
import { inProcessHandlers, MEMORY_BYTES } from './handlers.ts';
import { prepareList } from './prepare-list.ts';
import type { RunFlags } from './run-flags.ts';
import { randomWord } from './run-id.ts';
import { readDefinition, runMachine } from './run-machine.ts';
import { type ContextJob, sharedContext } from './shared-context.ts';
import { destinationOf } from './stores.ts';
import { TransferThreads } from './transfer-threads.ts';

/** One run with everything it needs from outside. */
interface Job extends ContextJob {
  readonly flags: RunFlags;
  readonly run: string;
  readonly stdin: Readable;
  readonly cwd: string;
}

/** Returns when nothing of the run is going on any more. Throws SkyhaulErrors; `Interrupted` when the signal said so. */
export async function runInProcess(job: Job): Promise<Summary> {
  const { flags, run, now } = job;
  const manifest = await prepareList(flags, job);
  const name = `${run}-${randomWord(6, job.random)}`;
  const { secrets, region } = flags;
  const vault = awsVault({ region });
  const shared = sharedContext(
    secrets.length > 0 ? { ...job, vault: { bindings: secrets, read: vault.read } } : job,
    name,
  );
  const to = destinationOf(flags.to, job.cwd);
  const { allowNetworks, endpoint, module } = flags;
  const { cwd, host, pid, signal, emit } = job;
  const threads = new TransferThreads({
    job: { to, allowNetworks, endpoint, region, secrets, module, cwd, host, pid, execution: name },
    signal,
    emit,
  });
  const handlers = inProcessHandlers({ shared, name, threads, askedThreads: flags.threads });
  const beat = heartbeat({ ...shared, attempt: name, memoryBytes: MEMORY_BYTES }, run);
  try {
    const output = await runMachine({
      definition: await readDefinition(),
      input: { run, manifest, to, options: flags.options },
      handlers,
      execution: { id: name, name, startedAt: new Date(now()).toISOString() },
      signal,
    });
    return summary.parse(output);
  } finally {
    // A claim that cannot be given up is found out by its successor, for this process is gone then.
    await beat.stop().catch(() => undefined);
    vault.close();
    await threads.close();
  }
}
