import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { rowsInput } from './rows-input.ts';

/**
 * `csv` and `jsonl` beside what a user would take: csvkit and jq, as whole processes, on the same file and with the same
 * output (compared first). Interleaved, medians, the file in the page cache. `node bench/transforms/rows.ts [MiB] [rounds]`;
 * `CSVKIT` is the folder of csvgrep and csvcut when they are not on the PATH.
 */
interface Race {
  readonly name: string;
  readonly format: 'csv' | 'jsonl';
  readonly options: { readonly where?: string; readonly select?: readonly string[] };
  readonly peer: string;
  /** Shell; `$1` is the file. */
  readonly command: string;
}

const kit = process.env.CSVKIT === undefined ? '' : `${process.env.CSVKIT}/`;

const races: readonly Race[] = [
  {
    name: 'csv where',
    format: 'csv',
    options: { where: "country = 'DE'" },
    peer: 'csvgrep',
    command: `${kit}csvgrep -c country -r '^DE$' "$1"`,
  },
  {
    name: 'csv where, select',
    format: 'csv',
    options: { where: "country in ('DE','AT')", select: ['name', 'id'] },
    peer: 'csvgrep, csvcut',
    command: `${kit}csvgrep -c country -r '^(DE|AT)$' "$1" | ${kit}csvcut -c name,id`,
  },
  {
    name: 'csv select',
    format: 'csv',
    options: { select: ['status', 'note', 'id'] },
    peer: 'csvcut',
    command: `${kit}csvcut -c status,note,id "$1"`,
  },
  {
    name: 'jsonl where',
    format: 'jsonl',
    options: { where: "country = 'DE' and amount > 500" },
    peer: 'jq',
    command: `jq -c 'select(.country == "DE" and .amount > 500)' "$1"`,
  },
  {
    name: 'jsonl where, select',
    format: 'jsonl',
    options: { where: "country in ('DE','AT')", select: ['id', 'customer.name'] },
    peer: 'jq',
    command: `jq -c 'select(.country == "DE" or .country == "AT") | {id, "customer.name": .customer.name}' "$1"`,
  },
  {
    name: 'jsonl select',
    format: 'jsonl',
    options: { select: ['status', 'id'] },
    peer: 'jq',
    command: `jq -c '{status, id}' "$1"`,
  },
];

const [mebibytes = 200, rounds = 3] = process.argv.slice(2).map(Number);
const ours = fileURLToPath(new URL('rows-ours.ts', import.meta.url));

console.log(`${mebibytes} MiB, median of ${rounds}; MB of input per second, and per second of CPU\n`);
console.log('| filter | ours | | peer | | | ratio | by CPU |\n|---|---:|---:|---|---:|---:|---:|---:|');
for (const { name, format, options, peer, command } of races) {
  const { path, bytes } = await rowsInput(format, mebibytes);
  const own = `"${process.execPath}" "${ours}" ${format} '${JSON.stringify(options).replaceAll("'", `'\\''`)}' "$1"`;
  if (digest(own, path) !== digest(command, path)) throw new Error(`${name}: the outputs differ`);
  const times = Array.from({ length: rounds }, () => ({ own: time(own, path), peer: time(command, path) }));

  const rate = (pick: (time: (typeof times)[number]) => number) => bytes / 1e6 / median(times.map(pick));
  const [wall, cpu] = [rate(({ own }) => own.wall), rate(({ own }) => own.cpu)];
  const [peerWall, peerCpu] = [rate(({ peer }) => peer.wall), rate(({ peer }) => peer.cpu)];
  const ratios = `${(wall / peerWall).toFixed(1)} × | ${(cpu / peerCpu).toFixed(1)} ×`;
  const figures = [wall, cpu, peer, peerWall, peerCpu].map((figure) =>
    typeof figure === 'number' ? figure.toFixed(0) : figure,
  );
  console.log(`| ${name} | ${figures.join(' | ')} | ${ratios} |`);
}

function time(command: string, path: string): { wall: number; cpu: number } {
  const { stderr } = shell(`TIMEFORMAT='%R %U %S'; time { ${command} > /dev/null; }`, path);
  const [wall = 0, user = 0, system = 0] = stderr.trim().split(' ').map(Number);
  return { wall, cpu: user + system };
}

function digest(command: string, path: string): string {
  return shell(`{ ${command}; } | sha256sum`, path).stdout;
}

function shell(script: string, path: string): { stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync('bash', ['-o', 'pipefail', '-c', script, 'rows', path], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${script}\n${stderr}`);
  return { stdout, stderr };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
