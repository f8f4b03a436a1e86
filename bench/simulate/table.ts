import { priceOf } from '../../lib/contract/prices.ts';
import type { Result } from './system.ts';
import type { World } from './world.ts';

/** What is printed: a table in Markdown. */
const COLUMNS = [
  'plan',
  'at once',
  'all done',
  '95 % done',
  'rounds',
  'stored',
  'failed',
  'requests',
  '429',
  'above the limit',
  'hosts above',
  'most at one host',
  'Lambda h',
  'GB-s',
  'PUT',
  'SlowDown',
  'transitions',
  'S3 $',
  'Lambda $',
  'States $',
  'sum $',
] as const;

export const HEADER = [
  `| ${COLUMNS.join(' | ')} |`,
  `|${COLUMNS.map((_, place) => (place ? '---:' : '---')).join('|')}|`,
].join('\n');

export function worldLines({
  seed,
  items,
  hosts,
  zipf,
  bytesOf,
  itemsOf,
  tolerance,
  perSecond,
  isDead,
}: World): string[] {
  const bytes = bytesOf.reduce((sum, size) => sum + size, 0);
  const count = (values: { readonly length: number; [place: number]: number }) =>
    Array.from(values).filter((value) => value > 0).length;
  return [
    `${thousands(items)} lines, ${thousands(hosts)} hosts (Zipf ${zipf}, the largest has ${thousands(itemsOf[0] ?? 0)}), ${(bytes / 1e12).toFixed(2)} TB, seed ${seed}`,
    `${thousands(count(tolerance))} hosts answer 429 to more than 8 to 30 connections, ${thousands(count(perSecond))} to more than 5 to 50 requests a second, ${thousands(count(isDead))} are dead`,
    '',
  ];
}

export function rowOf(name: string, width: number, { system, wallMs, rounds }: Result): string {
  const { hosts, ledger, prefix } = system;
  const { bill } = ledger;
  const cost = priceOf(bill);
  const cells: Record<(typeof COLUMNS)[number], string> = {
    plan: name,
    'at once': thousands(width),
    'all done': duration(wallMs),
    '95 % done': duration(ledger.mostAt),
    rounds: String(rounds),
    stored: thousands(ledger.stored),
    failed: percent(ledger.failed / ledger.ended),
    requests: thousands(hosts.requests),
    '429': thousands(hosts.throttled),
    'above the limit': percent(hosts.above / hosts.requests),
    'hosts above': thousands(hosts.hostsAbove),
    'most at one host': thousands(hosts.peak),
    'Lambda h': thousands(ledger.workerMs / 3_600_000),
    'GB-s': thousands(bill.gigabyteSeconds),
    PUT: thousands(bill.put),
    SlowDown: thousands(prefix.slowDowns),
    transitions: thousands(bill.transitions),
    'S3 $': cost.s3.toFixed(2),
    'Lambda $': cost.lambda.toFixed(2),
    'States $': cost.states.toFixed(2),
    'sum $': cost.total.toFixed(2),
  };
  return `| ${COLUMNS.map((column) => cells[column]).join(' | ')} |`;
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share > 0 && share < 0.001 ? 3 : 1)} %`;
}

/** h:mm */
function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
}
