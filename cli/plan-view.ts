import type { PlannedCost } from '../lib/plan/plan-cost.ts';
import { formatBytes, formatCount } from './units.ts';

/** What `skyhaul plan` tells; with `--json` as it stands here. */
export interface PlanView {
  readonly items: number;
  readonly duplicates: number;
  /** Bad lines, where they are left out. */
  readonly invalid: number;
  readonly hosts: number;
  /** The largest limit of any host of the list. */
  readonly mostConnections: number;
  readonly lanes: number;
  readonly shards: number;
  /** Declared by the list. */
  readonly bytes: number;
  readonly unknownSizes: number;
  /** US dollars, of the first round. */
  readonly cost: PlannedCost;
}

export function planLines(view: PlanView): string[] {
  const { items, duplicates, invalid, hosts, mostConnections, lanes, shards, bytes, unknownSizes, cost } = view;
  const left = items - duplicates - invalid;
  const beside = [
    ...(duplicates > 0 ? [`${formatCount(duplicates)} duplicate`] : []),
    ...(invalid > 0 ? [`${formatCount(invalid)} invalid`] : []),
  ];
  const sizes = [
    ...(unknownSizes < left ? [formatBytes(bytes)] : []),
    ...(unknownSizes > 0 ? [`${formatCount(unknownSizes)} of unknown size`] : []),
  ];
  return [
    line('items', `${formatCount(items)}${beside.length > 0 ? ` (${beside.join(', ')})` : ''}`),
    line('bytes', sizes.join(', ') || '0 B'),
    line('hosts', `${formatCount(hosts)}, at most ${formatCount(mostConnections)} connections each`),
    line('deployed', `${formatCount(shards)} Lambda invocations, ${formatCount(lanes)} lanes in the first round`),
    line('cost', `about ${dollars(cost.total)}, and ${dollars(cost.puts)} for the PUTs of the objects`),
    '',
    'Nothing was fetched. The cost is an estimate for us-east-1 if nothing is refused; unknown sizes count as nothing.',
  ];
}

function line(name: string, text: string): string {
  return `  ${name.padEnd(8)}  ${text}`;
}

function dollars(amount: number): string {
  return `$${amount < 0.01 ? amount.toFixed(4) : amount.toFixed(2)}`;
}
