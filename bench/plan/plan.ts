import { spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { planRun } from '../../lib/plan/plan-run.ts';
import type { RunContext, RunEvent } from '../../lib/run-context.ts';
import { openLocalStore } from '../../lib/store/local-store.ts';

/**
 * What planning costs: the real Plan, from a list in a file to the shards of the first round in a directory, as a deployed
 * run would have it (50 workers, 10,000 shards). Each row is a process of its own. Arguments: numbers of lines.
 */
const SHAPES = { 'many hosts': 50_000, 'one host': 1 } as const;
type Shape = keyof typeof SHAPES;
/** Node lets garbage lie as long as there is room: what a run needs shows where there is none. */
const HEAP = '--max-old-space-size=384';
const [mode = '', ...words] = process.argv.slice(2);

if (mode === 'measure') await measure(words[0] as Shape, Number(words[1]));
else table([mode, ...words].filter((word) => word !== '').map(Number));

function table(given: readonly number[]): void {
  const sizes = given.length > 0 ? given : [10_000, 100_000, 1_000_000];
  console.log('shape          lines    CPU s  peak MB  shards   lanes  us/line  dollars beyond the PUTs of objects');
  for (const shape of Object.keys(SHAPES) as Shape[]) {
    for (const lines of sizes) {
      const args = [HEAP, import.meta.filename, 'measure', shape, String(lines)];
      const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      process.stdout.write(stdout);
    }
  }
}

async function measure(shape: Shape, lines: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'skyhaul-bench-plan-'));
  try {
    const list = join(folder, 'list.txt');
    await pipeline(Readable.from(listOf(lines, SHAPES[shape])), createWriteStream(list));
    const events: RunEvent[] = [];
    const before = process.cpuUsage();
    const input = { run: 'bench', manifest: { uri: list }, to: 's3://bucket/data' };
    const execution = { id: 'bench', name: 'bench', startedAt: '2026-11-24T08:00:00Z' };
    await planRun({ execution, input }, contextIn(folder, list, events));
    const { user, system } = process.cpuUsage(before);
    const planned = events.find((event) => event.event === 'run.planned');
    const seconds = (user + system) / 1e6;
    const row = [
      shape.padEnd(11),
      String(lines).padStart(8),
      seconds.toFixed(2).padStart(8),
      String(Math.round(process.resourceUsage().maxRSS / 1024)).padStart(8),
      String(planned?.shards ?? 0).padStart(7),
      String(planned?.lanes ?? 0).padStart(7),
      ((seconds * 1e6) / lines).toFixed(1).padStart(8),
      (planned?.cost?.total ?? 0).toFixed(4).padStart(12),
    ];
    console.log(row.join(' '));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In blocks of a thousand lines, so that making the list costs nothing beside reading it. */
function* listOf(lines: number, hosts: number): Generator<string> {
  for (let first = 0; first < lines; first += 1_000) {
    const block = Array.from({ length: Math.min(1_000, lines - first) }, (_, at) => {
      const index = first + at;
      return `https://host-${index % hosts}.example/files/${index}/document.pdf\n`;
    });
    yield block.join('');
  }
}

function contextIn(folder: string, list: string, events: RunEvent[]): RunContext {
  const empty = openLocalStore(join(folder, 'data'));
  return {
    state: openLocalStore(join(folder, 'state')),
    openDestination: () => empty,
    openManifest: () => Promise.resolve({ name: 'list.txt', etag: '', bytes: createReadStream(list) }),
    now: () => 1_800_000_000_000,
    random: () => 0,
    signal: new AbortController().signal,
    deadline: undefined,
    attempt: 'bench',
    memoryBytes: 1_769 * 1024 * 1024,
    inProcess: false,
    allowNetworks: [],
    maxShards: 10_000,
    concurrency: { default: 50, ceiling: 50 },
    owner: { execution: 'bench' },
    isAlive: () => Promise.resolve(true),
    emit: (event) => void events.push(event),
  };
}
