import { Token } from 'aws-cdk-lib';
import { checkDefaults, literalSecrets, secretsIn } from '../lib/contract/deployed-defaults.ts';
import { type DeployedLimits, exceeding } from '../lib/contract/deployed-limits.ts';
import type { GivenOptions } from '../lib/contract/merge-options.ts';

/**
 * Options below those of every batch, checked at synth time by the schema of batches itself. An option with a value that
 * only the deployment knows is left to Plan, which checks all of them once more; a credential is refused whatever it is,
 * for the deployment would put it where many may read it.
 */
export function requireDefaults(
  defaults: GivenOptions,
  { limits, secretNames }: { readonly limits: DeployedLimits; readonly secretNames: readonly string[] },
): void {
  const known = knownOf(defaults);
  const [problem] = [...literalSecrets(defaults), ...checkDefaults(known)];
  if (problem) throw new Error(`defaults: ${problem.text}`);
  for (const name of secretsIn(defaults.request)) {
    if (Token.isUnresolved(name) || secretNames.includes(name)) continue;
    throw new Error(`defaults: secrets must hold every secret that is referred to, got '${name}'`);
  }
  for (const name of exceeding(known, knownOf(limits))) {
    throw new Error(`defaults: ${name} must not be more than limits.${name === 'hosts' ? 'perHostConnections' : name}`);
  }
}

function knownOf<T extends object>(given: T): Partial<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => !holdsToken(value))) as Partial<T>;
}

function holdsToken(value: unknown): boolean {
  if (Token.isUnresolved(value)) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsToken);
}
