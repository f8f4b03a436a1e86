import { domainToASCII } from 'node:url';
import type { Options } from './options.ts';

/**
 * What a run may do to one host: pure. A host is a name with its port (`URL.host`); each one has limits of its own, also
 * where one pattern matches many.
 *
 * Patterns: `example.com:8080` (this port), `example.com` (any port), `*.example.com` (everything below it, not itself). The
 * most specific pattern that says something about it counts: a name before a wildcard, with a port before without,
 * the longer wildcard before the shorter; of equal ones the first.
 */
export class HostLimits {
  readonly #options: LimitOptions;
  readonly #rules: readonly Rule[];

  constructor(options: LimitOptions) {
    this.#options = options;
    const rules = (options.hosts ?? []).map((entry) => ({ ...entry, pattern: parsePattern(entry.pattern) }));
    this.#rules = rules.sort((a, b) => weightOf(b.pattern) - weightOf(a.pattern));
  }

  /** Connections to a host, over the whole run. */
  connectionsOf(host: string): number {
    return this.#find(host, ({ connections }) => connections) ?? this.#options.perHostConnections;
  }

  /** Requests to a host; none: as they come. */
  rateOf(host: string): Rate | undefined {
    return this.#find(host, ({ rate }) => rate) ?? this.#options.perHostRate;
  }

  /** Whether any host has a rate at all. */
  get hasRates(): boolean {
    return this.#options.perHostRate !== undefined || this.#rules.some(({ rate }) => rate !== undefined);
  }

  #find<T>(host: string, field: (rule: Rule) => T | undefined): T | undefined {
    if (this.#rules.length === 0) return undefined;
    const target = splitPort(host);
    return field(this.#rules.find((rule) => field(rule) !== undefined && matches(rule.pattern, target)) ?? NO_RULE);
  }
}

export type LimitOptions = Pick<Options, 'perHostConnections' | 'perHostRate' | 'hosts'>;
export type Rate = NonNullable<Options['perHostRate']>;

interface Pattern {
  readonly name: string;
  readonly port: string | undefined;
  readonly isWildcard: boolean;
}

interface Rule {
  readonly pattern: Pattern;
  readonly connections?: number | undefined;
  readonly rate?: Rate | undefined;
}

const NO_RULE: Rule = { pattern: { name: '', port: undefined, isWildcard: false } };

function parsePattern(text: string): Pattern {
  const isWildcard = text.startsWith('*.');
  const { name, port } = splitPort(isWildcard ? text.slice(2) : text);
  // As `URL.host` spells names; the dot at the end, which no URL of a list may have, is the same name.
  const spelled = domainToASCII(name) || name.toLowerCase();
  return { name: spelled.replace(/\.$/, ''), port: port?.replace(/^0+(?=\d)/, ''), isWildcard };
}

function splitPort(host: string): { readonly name: string; readonly port: string | undefined } {
  const colon = host.lastIndexOf(':');
  // Colons of an IPv6 address stand in brackets.
  if (colon === -1 || colon < host.lastIndexOf(']')) return { name: host, port: undefined };
  return { name: host.slice(0, colon), port: host.slice(colon + 1) };
}

/** `URL.host` leaves out the port that a scheme has anyway. */
const DEFAULT_PORTS: readonly string[] = ['80', '443'];

function matches({ name, port, isWildcard }: Pattern, host: ReturnType<typeof splitPort>): boolean {
  const isPort = port === host.port || (host.port === undefined && port !== undefined && DEFAULT_PORTS.includes(port));
  if (port !== undefined && !isPort) return false;
  return isWildcard ? host.name.endsWith(`.${name}`) : host.name === name;
}

/** The more specific, the heavier: names have at most 253 characters. */
function weightOf({ name, port, isWildcard }: Pattern): number {
  return (isWildcard ? 0 : 1_000) + (port === undefined ? 0 : 500) + (isWildcard ? name.length : 0);
}
