import type { LookupAddress } from 'node:dns';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import { isAllowedAddress, type Network, parseNetworks } from './address-class.ts';
import { isLocalhost } from './check-url.ts';

export type AnswerVerdict =
  | { readonly action: 'connect'; readonly addresses: readonly LookupAddress[] }
  | { readonly action: 'refuse'; readonly error: SkyhaulError };

const LOOPBACK = parseNetworks(['127.0.0.0/8', '::1/128']);

/**
 * Judges everything a name resolves to. One private answer condemns the whole name: a mixed answer is how DNS
 * rebinding looks. Only for `localhost`, whose answers are all this machine, the ones not allowed are left out.
 */
export function vetAnswers(
  host: string,
  answers: readonly LookupAddress[],
  allowed: readonly Network[],
): AnswerVerdict {
  const isSpared = ({ address }: LookupAddress) => isLocalhost(host) && isAllowedAddress(address, LOOPBACK);
  const accepted = answers.filter(({ address }) => isAllowedAddress(address, allowed));
  const denied = answers.find(({ address }) => !isAllowedAddress(address, allowed));
  const condemned = answers.find((answer) => !isAllowedAddress(answer.address, allowed) && !isSpared(answer));

  if (answers.length === 0) {
    return { action: 'refuse', error: new SkyhaulError('HostNotFound', `${host} has no address`, { host }) };
  }
  const culprit = condemned ?? (accepted.length === 0 ? denied : undefined);
  if (culprit === undefined) return { action: 'connect', addresses: accepted };
  const message = `${host} resolves to ${culprit.address}, which is not a public address`;
  return { action: 'refuse', error: new SkyhaulError('AddressRefused', message, { host }) };
}
