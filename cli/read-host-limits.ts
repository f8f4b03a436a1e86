import { type Options, options } from '../lib/contract/options.ts';
import type { Read } from './flag-reader.ts';
import { wantedText } from './wanted-text.ts';

type Rate = NonNullable<Options['perHostRate']>;
type HostRule = NonNullable<Options['hosts']>[number];

/** `5` or `0.5`, requests a second; `5:20` with a burst. Undefined when it is something else. */
export const parseRate: Read<Rate> = (text) => {
  const [, perSecond, burst] = /^(\d+(?:\.\d+)?)(?::(\d+))?$/.exec(text.trim()) ?? [];
  if (perSecond === undefined) return undefined;
  return { perSecond: Number(perSecond), ...(burst !== undefined && { burst: Number(burst) }) };
};

/** `--host 'pattern=connections[,rate]'`; connections or rate may be left out, not both. */
export function readHostLimits(texts: readonly string[]): { hosts: HostRule[]; problems: string[] } {
  const hosts: HostRule[] = [];
  const problems: string[] = [];
  texts.forEach((text, index) => {
    const rule = parseRule(text);
    const issue = rule && options.shape.hosts.safeParse([rule]).error?.issues[0];
    if (rule && !issue) hosts.push(rule);
    else {
      const must = issue ? wantedText(options.shape.hosts, issue) : WANTED;
      problems.push(`--host ${index + 1}: ${must}${foundText(text)}`);
    }
  });
  return { hosts, problems };
}

const WANTED = 'must be host=connections, host=connections,rate or host=,rate, such as "*.example.com=2,0.5"';

/** A URL in the place of a host may hold credentials. */
function foundText(text: string): string {
  return /[@?#]/.test(text) ? '' : `, found ${JSON.stringify(text)}`;
}

function parseRule(text: string): HostRule | undefined {
  const [, pattern, connections = '', rate] = /^([^=]+)=(\d*)(?:,(.+))?$/.exec(text.trim()) ?? [];
  const parsed = rate === undefined ? undefined : parseRate(rate);
  const saysNothing = connections === '' && rate === undefined;
  if (pattern === undefined || saysNothing || (rate !== undefined && parsed === undefined)) return undefined;
  return { pattern, ...(connections !== '' && { connections: Number(connections) }), ...(parsed && { rate: parsed }) };
}
