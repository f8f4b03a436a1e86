import type { Readable, Writable } from 'node:stream';
import type { Summary } from '../lib/contract/summary.ts';
import { SkyhaulError, toSkyhaulError } from '../lib/errors/skyhaul-error.ts';
import { runKeys } from '../lib/ledger/run-keys.ts';
import type { ObjectStore } from '../lib/store/object-store.ts';
import { errorLines } from './error-view.ts';
import { EventLines } from './event-lines.ts';
import { exitCode, exitCodeOf, exitCodeOfError } from './exit-code.ts';
import { MEMORY_BYTES } from './handlers.ts';
import { loadModule } from './load-module.ts';
import { type CallFlags, continueCommand, retryHere } from './next-command.ts';
import type { TerminalStream } from './progress-screen.ts';
import { reportedLines } from './reported-lines.ts';
import type { RunFlags } from './run-flags.ts';
import { newRunId } from './run-id.ts';
import { runInProcess } from './run-in-process.ts';
import { CONCURRENCY } from './shared-context.ts';
import { countUrls } from './spool-list.ts';
import { type SignalSource, watchStopSignals } from './stop-signals.ts';
import { destinationOf, openStores, requireDirectory, stateOf } from './stores.ts';
import { Talk } from './talk.ts';
import { countOf, formatBytes, formatCount } from './units.ts';

/** Where the command runs. */
export interface Surroundings {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: TerminalStream & { readonly isTTY?: boolean };
  readonly signals: SignalSource;
  readonly cwd: string;
  readonly host: string;
  readonly pid: number;
  readonly now: () => number;
  readonly random: () => number;
  /** Ends the process on the spot. */
  readonly leave: (code: number) => void;
}

const FLUSH_MS = 250;

/** `skyhaul run`: the whole job in this process. Returns the exit code, with nothing left open behind it. */
export async function runCommand(flags: RunFlags, around: Surroundings): Promise<number> {
  const live = flags.progress && around.stderr.isTTY === true;
  const talk = new Talk({
    stream: around.stderr,
    mode: flags.quiet ? 'quiet' : live ? 'live' : 'plain',
    now: around.now,
  });
  const events = new EventLines((text) => around.stdout.write(text), around.now);
  const flushing = setInterval(() => events.flush(), FLUSH_MS);
  const stop = new AbortController();
  const unwatch = watchStopSignals(around.signals, {
    now: around.now,
    onFirst: () => {
      talk.say(['Stopping: what is done is written down. Ctrl-C again leaves at once.']);
      stop.abort(new SkyhaulError('Interrupted', 'the run was stopped'));
    },
    onSecond: () => {
      talk.stop();
      events.flush();
      around.leave(exitCode.interrupted);
    },
  });
  const run = flags.run ?? newRunId(around.now(), around.random);
  const stores = openStores(flags);
  let state: ObjectStore | undefined;
  try {
    const destination = destinationOf(flags.to, around.cwd);
    await requireDirectory(destination);
    const userModule = flags.module === undefined ? undefined : await loadModule(flags.module, around.cwd);
    const runState = stores.open(stateOf(destination));
    state = runState;
    talk.say([`Run ${run}: ${shownUrls(flags)}to ${flags.to}, at most ${formatBytes(MEMORY_BYTES)} of buffers`]);
    talk.say(loweredLines(flags));
    talk.start();
    const summary = await runInProcess({
      ...around,
      flags,
      allowNetworks: flags.allowNetworks,
      run,
      state: runState,
      stores,
      signal: stop.signal,
      ...(userModule && { userModule: () => Promise.resolve(userModule) }),
      emit: (event) => {
        talk.event(event);
        if (flags.json) events.add(event);
      },
    });
    if (flags.json) events.addLine(summary);
    talk.stop();
    talk.say(await finalLines(runState, summary, flags, around.cwd));
    return exitCodeOf(summary);
  } catch (thrown) {
    talk.stop();
    const error = stop.signal.aborted ? interruption(thrown) : toSkyhaulError(thrown);
    const next = state !== undefined && (await hasBegun(state, run)) ? continueCommand(run, callOf(flags)) : undefined;
    talk.complain(failureLines(error, next));
    return exitCodeOfError(error);
  } finally {
    unwatch();
    talk.stop();
    clearInterval(flushing);
    events.flush();
    await stores.close();
  }
}

function loweredLines({ options: { maxConcurrency = 0 } }: RunFlags): string[] {
  const { ceiling } = CONCURRENCY;
  if (maxConcurrency <= ceiling) return [];
  return [`On one machine at most ${ceiling} shards are worked on at once, not ${formatCount(maxConcurrency)}`];
}

/** How many there are, before anything is done with them: a pattern may make more than was meant. */
function shownUrls({ list, reading }: RunFlags): string {
  if (list.kind !== 'urls') return '';
  const count = countUrls(list.urls, reading.expand);
  return `${Number.isSafeInteger(count) ? countOf(count, 'URL') : 'too many URLs'} `;
}

/** Whatever an aborted read or request throws, the reason is that the user stopped it; a bug stays a bug. */
function interruption(thrown: unknown): SkyhaulError {
  const error = toSkyhaulError(thrown);
  const isAbort = thrown instanceof Error && thrown.name === 'AbortError';
  return error.name === 'Unexpected' && !isAbort ? error : new SkyhaulError('Interrupted', 'the run was stopped');
}

async function hasBegun(state: ObjectStore, run: string): Promise<boolean> {
  const input = await state.head(runKeys(run).input).catch(() => undefined);
  return input !== undefined;
}

/** `next` is the command that continues the run, where there is something to continue. */
function failureLines(error: SkyhaulError, next: string | undefined): string[] {
  if (error.name === 'Interrupted') {
    return next === undefined ? ['Stopped before the run began.'] : ['Stopped. Continue the run:', `  ${next}`];
  }
  // Input is not cured by going on; everything else may be.
  const goesOn = next !== undefined && error.entry.scope !== 'input';
  return [...errorLines(error), ...(goesOn ? ['', 'Continue the run:', `  ${next}`] : [])];
}

function finalLines(state: ObjectStore, summary: Summary, flags: RunFlags, cwd: string): Promise<string[]> {
  const retry = () => retryHere(summary.run, callOf(flags));
  return reportedLines(state, { summary, to: flags.to, retry, cwd });
}

function callOf({ to, allowNetworks, secretWords, module, endpoint, region }: RunFlags): CallFlags {
  return { to, allowNetworks, secretWords, module, endpoint, region };
}
