import type { ErrorName } from '../lib/errors/catalogue.ts';
import { quoteCommand } from './shell-quote.ts';
import { DEFAULT_STACK, type StackFlags } from './stack-flags.ts';
import type { Retry } from './summary-view.ts';

/**
 * The commands that Skyhaul shows for what comes next. They hold what belongs to the call and not to the run: where the
 * destination is and which networks are allowed. Headers are never shown; a continued run has kept its own, sealed.
 */
export interface CallFlags {
  readonly to: string;
  readonly allowNetworks: readonly string[];
  readonly secretWords?: readonly string[];
  readonly module?: string | undefined;
  readonly endpoint?: string;
  readonly region?: string;
}

/** A command about the same deployment: `watch <run>`, `submit --run <run>`. */
export function deployedCommand(words: readonly string[], call: StackFlags): string {
  const flags = {
    '--stack': call.stack === DEFAULT_STACK ? undefined : call.stack,
    '--state-machine': call.stateMachine,
    '--bucket': call.bucket,
    '--janitor': words[0] === 'stop' ? call.janitor : undefined,
    '--endpoint': call.endpoint,
    '--region': call.region,
  };
  const given = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  return quoteCommand(['npx', 'skyhaul', ...words, ...given]);
}

const SKYHAUL_RUN = ['npx', 'skyhaul', 'run'];

/** A directory that begins with `-` would be read as a flag. */
function asValue(path: string): string {
  return path.startsWith('-') ? `./${path}` : path;
}

function callFlags(call: CallFlags): string[] {
  return [
    ...['--to', asValue(call.to)],
    ...call.allowNetworks.flatMap((network) => ['--allow-network', network]),
    ...(call.secretWords ?? []).flatMap((word) => ['--secret', word]),
    ...(call.module === undefined ? [] : ['--module', asValue(call.module)]),
    ...(call.endpoint === undefined ? [] : ['--endpoint', call.endpoint]),
    ...(call.region === undefined ? [] : ['--region', call.region]),
  ];
}

export function continueCommand(run: string, call: CallFlags): string {
  return quoteCommand([...SKYHAUL_RUN, '--run', run, ...callFlags(call)]);
}

/** The failed lines of a run, as a new one. */
export function retryCommand(run: string, call: CallFlags, words: readonly string[] = []): string {
  return quoteCommand(['npx', 'skyhaul', 'redrive', run, ...words, ...callFlags(call)]);
}

/** Which network is meant only the user can say: a list may name addresses that nobody is to reach. */
const SOME_NETWORK = '<CIDR>';

/** The same, also for those lines whose addresses were refused. */
export function retryHere(run: string, call: CallFlags): Retry {
  const allowNetworks = [...call.allowNetworks, SOME_NETWORK];
  const refused = ['--only', 'AddressRefused' satisfies ErrorName];
  return {
    command: retryCommand(run, call),
    withNetwork: retryCommand(run, { ...call, allowNetworks }, refused),
  };
}
