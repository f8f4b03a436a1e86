/**
 * The library alone in a process, over many small items: job as JSON in the first argument, figures as JSON on stdout.
 * Needs `--expose-gc`.
 */
import { readdirSync } from 'node:fs';
import { downloadAll } from '../../lib/library/download.ts';
import { systemEffects } from '../../lib/library/effects.ts';

export interface LeaksJob {
  readonly origin: string;
  readonly items: number;
  readonly to: string;
  readonly endpoint?: string;
}

export interface LeakFigures {
  /** By outcome, or the name of the error. */
  readonly ends: Readonly<Record<string, number>>;
  /** At every thousandth item, while the others are under way. */
  readonly marks: readonly {
    readonly items: number;
    readonly rssBytes: number;
    readonly heapBytes: number;
    readonly descriptors: number;
  }[];
  readonly before: Standing;
  /** When all is over. */
  readonly after: Standing;
}

interface Standing {
  readonly descriptors: number;
  /** Whatever keeps a process alive: sockets, timers, files. */
  readonly handles: readonly string[];
}

const job: LeaksJob = JSON.parse(process.argv[2] ?? '{}');
const ends: Record<string, number> = {};
const marks: LeakFigures['marks'][number][] = [];
const before = standing();
const controller = new AbortController();

function* list() {
  for (let n = 0; n < job.items; n += 1) yield { url: `${job.origin}/item?n=${n}`, key: `${n % 100}/${n}` };
}

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const downloads = downloadAll(
  list(),
  {
    to: job.to,
    allowNetworks: ['127.0.0.0/8'],
    signal: controller.signal,
    timeoutMs: 600_000,
    onProgress: () => undefined,
    onChunk: () => undefined,
    ...(job.endpoint !== undefined && { s3: { endpoint: job.endpoint, credentials } }),
  },
  { ...systemEffects, pause: () => Promise.resolve() },
);
let items = 0;
for await (const { outcome, error = outcome } of downloads) {
  items += 1;
  ends[error] = (ends[error] ?? 0) + 1;
  if (items % 1_000 !== 0) continue;
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  marks.push({ items, rssBytes: rss, heapBytes: heapUsed + external, descriptors: standing().descriptors });
}
// What was closed needs a turn of the event loop to be gone.
await new Promise((resolve) => setTimeout(resolve, 50));
console.log(JSON.stringify({ ends, marks, before, after: standing() } satisfies LeakFigures));

function standing(): Standing {
  const handles = process
    .getActiveResourcesInfo()
    .filter((name) => !/^(PipeWrap|TTYWrap|FSReqPromise|CloseReq)$/.test(name));
  return { descriptors: readdirSync('/proc/self/fd').length, handles: handles.toSorted() };
}
