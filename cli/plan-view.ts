import type { PlannedCost } from '../lib/plan/plan-cost.ts';
import type { PlannedTime } from '../lib/plan/plan-time.ts';
import { plainText } from './terminal-text.ts';
import { countOf, formatBytes, formatClock, formatCount } from './units.ts';

/** What `skyhaul plan` tells; with `--json` as it stands here. */
export interface PlanView {
  readonly items: number;
  readonly duplicates: number;
  /** Bad lines, where they are left out. */
  readonly invalid: number;
  /** Good lines that are not tried. */
  readonly behindLimit: number;
  readonly hosts: number;
  /** The largest limit of any host of the list. */
  readonly mostConnections: number;
  readonly lanes: number;
  readonly shards: number;
  /** Declared by the list. */
  readonly bytes: number;
  readonly unknownSizes: number;
  /** Deployed, rounds and waits between them left out. */
  readonly time: PlannedTime;
  /** US dollars, of the first round. */
  readonly cost: PlannedCost;
}

/** From here on it is worth knowing what the time is spent on. */
const LONG_SECONDS = 60;

export function planLines(view: PlanView): string[] {
  const {
    items,
    duplicates,
    invalid,
    behindLimit,
    hosts,
    mostConnections,
    lanes,
    shards,
    bytes,
    unknownSizes,
    time,
    cost,
  } = view;
  const left = items - duplicates - invalid - behindLimit;
  const beside = [
    ...(duplicates > 0 ? [`${formatCount(duplicates)} duplicate`] : []),
    ...(invalid > 0 ? [`${formatCount(invalid)} invalid`] : []),
    ...(behindLimit > 0 ? [`${formatCount(behindLimit)} behind the limit`] : []),
  ];
  const sizes = [
    ...(unknownSizes < left ? [formatBytes(bytes)] : []),
    ...(unknownSizes > 0 ? [`${formatCount(unknownSizes)} of unknown size`] : []),
  ];
  const isLong = time.host !== undefined && time.seconds >= LONG_SECONDS;
  const whose = isLong ? `, as fast as ${plainText(time.host ?? '')} may be asked` : '';
  return [
    ...(items === 0 ? ['The list is empty.', ''] : []),
    line('items', `${formatCount(items)}${beside.length > 0 ? ` (${beside.join(', ')})` : ''}`),
    line('bytes', sizes.join(', ') || '0 B'),
    line('hosts', `${formatCount(hosts)}, at most ${formatCount(mostConnections)} connections each`),
    line('deployed', `${countOf(shards, 'Lambda invocation')}, ${countOf(lanes, 'lane')} in the first round`),
    line('time', `about ${formatClock(Math.ceil(time.seconds))} deployed${whose}`),
    line('cost', `about ${dollars(cost.total)}, and ${dollars(cost.puts)} for the PUTs of the objects`),
    '',
    'Nothing was fetched. Time and cost are estimates, for us-east-1, if every source answers at once and nothing is refused;',
    'unknown sizes count as nothing.',
  ];
}

function line(name: string, text: string): string {
  return `  ${name.padEnd(8)}  ${text}`;
}

function dollars(amount: number): string {
  return `$${amount < 0.01 ? amount.toFixed(4) : amount.toFixed(2)}`;
}
