/**
 * What a user's module throws where nobody waits for it (a timer, a promise without `catch`) would end the process, and
 * with it every item under way. Here it ends the item whose code threw it. What is not a module's goes where it went
 * before. Code that never returns to the event loop, or exits the process, cannot be stopped by anyone in it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** The code of a module that works on one item, and everything that code started. */
export interface ModuleScope {
  /** Name of the module's file as stacks show it. */
  readonly file: string;
  /** It threw; may be called long after the item has ended. */
  readonly fail: (error: unknown) => void;
}

type Listener = (error: unknown, ...more: unknown[]) => void;

const scopes = new AsyncLocalStorage<ModuleScope | undefined>();
/** Items that a module works on now. */
const active = new Set<ModuleScope>();
/** Of all modules that ran in this process. */
const files = new Set<string>();

/** Runs a piece of the module's code; from then on this process is guarded until it ends, since errors may come late. */
export function runGuarded<T>(scope: ModuleScope, work: () => T): T {
  if (files.size === 0) install();
  files.add(scope.file);
  active.add(scope);
  return scopes.run(scope, work);
}

/** The item has ended; what its code throws from now on is still known to be of it. */
export function endGuarded(scope: ModuleScope): void {
  active.delete(scope);
}

/** Runs code of ours that a module's calls lead to, so that its failures stay ours. */
export function outsideModule<T>(work: () => T): T {
  return scopes.run(undefined, work);
}

function install(): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    // Lambda's own listeners end the process: they hear only what is left.
    const others = process.listeners(event as 'uncaughtException') as Listener[];
    process.removeAllListeners(event);
    const listener: Listener = (error, ...more) => {
      const scope = scopes.getStore();
      if (scope) scope.fail(error);
      else if (isOfModule(error)) failByStack(error);
      else if (others.length > 0) for (const other of others) other.call(process, error, ...more);
      else passOn(event, listener, error);
    };
    process.on(event, listener);
  }
}

/** As if nobody listened. */
function passOn(event: 'uncaughtException' | 'unhandledRejection', listener: Listener, error: unknown): void {
  process.off(event, listener);
  setImmediate(() => {
    throw error;
  });
}

function isOfModule(error: unknown): error is Error {
  return error instanceof Error && Array.from(files).some((file) => error.stack?.includes(file));
}

/** Some versions of Node lose the context of a rejection. Where one item is under way, the stack says whose it is. */
function failByStack(error: Error): void {
  const [only, ...more] = Array.from(active).filter(({ file }) => error.stack?.includes(file));
  if (only && more.length === 0) only.fail(error);
  else process.emitWarning(`a module threw, and nobody knows for which item: ${error.stack}`);
}
