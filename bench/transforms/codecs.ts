import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  constants,
  createGunzip,
  createZstdCompress,
  createZstdDecompress,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib';
import { MiB } from '../../lib/contract/limits.ts';
import { makeGunzip } from '../../lib/transform/gzip.ts';
import { DEFAULT_TRANSFORM_LIMITS } from '../../lib/transform/limits.ts';
import { makeLines } from '../../lib/transform/lines.ts';
import type { TransformStep } from '../../lib/transform/transform.ts';
import { makeUnzstd, makeZstd } from '../../lib/transform/zstd.ts';

/**
 * `gunzip`, `unzstd`, `zstd` and `lines` beside Node's own way to do it (a pipeline over node:zlib, node:readline) and
 * beside the command that people take, as a whole process. Same file, in the page cache, output thrown away, interleaved,
 * medians. `node bench/transforms/codecs.ts [MiB] [rounds]`; needs `zcat`, `zstd` and `tr` on the PATH.
 */
interface Race {
  readonly name: string;
  readonly file: string;
  readonly ours: TransformStep;
  readonly node: (path: string) => Promise<unknown>;
  /** Shell; `$1` is the file. */
  readonly command: string;
}

interface Spent {
  readonly wall: number;
  readonly cpu: number;
}

const [mebibytes = 128, rounds = 5] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'skyhaul-bench-'));
const file = (name: string, bytes: Uint8Array) => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};

try {
  const text = sample(mebibytes * MiB);
  const races = racesOver(text);
  console.log(`${mebibytes} MiB of text, median of ${rounds}; MiB of it per second, and per second of CPU\n`);
  console.log('| transform | ours | | Node | | ratio | by CPU | command | | | ratio |');
  console.log('|---|---:|---:|---:|---:|---:|---:|---|---:|---:|---:|');
  for (const race of races) console.log(await row(race, text.length / MiB));
} finally {
  rmSync(folder, { recursive: true });
}

function racesOver(text: Buffer): readonly Race[] {
  const params = { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 };
  const plain = file('plain', text);
  const dos = file('dos', Buffer.from(text.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'));
  const zst = file('zst', zstdCompressSync(text, { params }));
  const through = (codec: () => Transform) => (path: string) => pipeline(createReadStream(path), codec(), sink());
  const readline = async (path: string) => {
    let lines = 0;
    for await (const _ of createInterface({ input: createReadStream(path) })) lines += 1;
    return lines;
  };
  const limits = DEFAULT_TRANSFORM_LIMITS;
  return [
    {
      name: 'gunzip',
      file: file('gz', gzipSync(text)),
      ours: makeGunzip(limits),
      node: through(createGunzip),
      command: 'zcat < "$1"',
    },
    {
      name: 'unzstd',
      file: zst,
      ours: makeUnzstd(limits, 8 * MiB),
      node: through(createZstdDecompress),
      command: 'zstd -dc "$1"',
    },
    {
      name: 'zstd',
      file: plain,
      ours: makeZstd(3),
      node: through(() => createZstdCompress({ params })),
      command: 'zstd -3 -c --single-thread "$1"',
    },
    {
      name: 'lines, LF',
      file: plain,
      ours: makeLines({ maxBytes: MiB }),
      node: readline,
      command: `tr -d '\\r' < "$1"`,
    },
    {
      name: 'lines, CRLF',
      file: dos,
      ours: makeLines({ maxBytes: MiB }),
      node: readline,
      command: `tr -d '\\r' < "$1"`,
    },
  ];
}

async function row({ name, file: path, ours, node, command }: Race, size: number): Promise<string> {
  const spent: { own: Spent; node: Spent; command: Spent }[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const own = await time(() => drain(ours.apply(createReadStream(path), { rowsIn: 0, rowsOut: 0 })));
    const times = { own, node: await time(() => node(path)), command: timeCommand(command, path) };
    // The first one warms everything up.
    if (round >= 0) spent.push(times);
  }
  const of = (pick: (times: (typeof spent)[number]) => number) => median(spent.map(pick));
  const rate = (pick: (times: (typeof spent)[number]) => number) => (size / of(pick)).toFixed(0);
  const ratio = (pick: (times: (typeof spent)[number]) => number) => `${of(pick).toFixed(2)} ×`;
  return `| ${[
    name,
    rate((times) => times.own.wall),
    rate((times) => times.own.cpu),
    rate((times) => times.node.wall),
    rate((times) => times.node.cpu),
    ratio((times) => times.node.wall / times.own.wall),
    ratio((times) => times.node.cpu / times.own.cpu),
    `\`${command.replace(/ (< )?"\$1"/, '')}\``,
    rate((times) => times.command.wall),
    rate((times) => times.command.cpu),
    ratio((times) => times.command.wall / times.own.wall),
  ].join(' | ')} |`;
}

async function time(work: () => Promise<unknown>): Promise<Spent> {
  const [from, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: (performance.now() - from) / 1e3, cpu: (user + system) / 1e6 };
}

function timeCommand(command: string, path: string): Spent {
  const script = `TIMEFORMAT='%R %U %S'; time { ${command} > /dev/null; }`;
  const { status, stderr } = spawnSync('bash', ['-c', script, 'codecs', path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command}\n${stderr}`);
  const [wall = 0, user = 0, system = 0] = stderr.trim().split(' ').map(Number);
  return { wall, cpu: user + system };
}

async function drain(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunks) bytes += chunk.length;
  return bytes;
}

function sink(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

/** Lines as a log has them: words that repeat, numbers that do not. The same bytes each time. */
function sample(bytes: number): Buffer {
  const words = [
    'GET',
    'POST',
    '/index.html',
    '/api/items/',
    'Mozilla/5.0',
    'status=200',
    'status=404',
    'Europe/Berlin',
  ];
  let state = 42;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  const lines: string[] = [];
  for (let length = 0; length < 4 * MiB; ) {
    const parts = Array.from({ length: 3 + (next() >>> 29) }, () => words[next() >>> 29]);
    const line = `${next()} ${parts.join(' ')} ${(next() % 100_000) / 7}\n`;
    lines.push(line);
    length += line.length;
  }
  const piece = Buffer.from(lines.join(''));
  return Buffer.concat(Array.from({ length: Math.ceil(bytes / piece.length) }, () => piece)).subarray(0, bytes);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
