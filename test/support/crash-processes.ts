import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PlanAnswer } from '../../lib/contract/machine.ts';
import type { Job, Said } from './crash-job.ts';
import type { Level } from './crash-trip.ts';

const SCRIPT = join(import.meta.dirname, 'crash-child.ts');
/** Nothing here takes long: who is not done by then hangs. */
const PATIENCE_MS = 120_000;

export interface Ended {
  readonly how: 'done' | 'killed' | 'failed' | 'hung';
  /** Operations, when it could still say so. */
  readonly counts: Readonly<Record<Level, number>> | undefined;
  /** That came from the source. */
  readonly bytes: number;
  /** What a process that failed wrote to stderr. */
  readonly words: string;
}

export interface Working {
  /** Resolves when it has planned, of work `shard`. */
  readonly planned: Promise<PlanAnswer>;
  readonly ended: Promise<Ended>;
  kill(): void;
  /** Until it is stopped, or has ended: whether it is stopped. */
  stopped(): Promise<boolean>;
  goOn(): void;
}

/** Fresh processes, the next one always started already: most of its time goes into loading. */
export class CrashProcesses {
  readonly #folder: string;
  #spare: ChildProcess;
  #count = 0;

  static async start(): Promise<CrashProcesses> {
    return new CrashProcesses(await mkdtemp(join(tmpdir(), 'skyhaul-crashes-')));
  }

  private constructor(folder: string) {
    this.#folder = folder;
    this.#spare = this.#spawn();
  }

  async close(): Promise<void> {
    this.#spare.kill('SIGKILL');
    await rm(this.#folder, { recursive: true, force: true });
  }

  begin(given: Omit<Job, 'meter' | 'attempt'>): Working {
    const child = this.#spare;
    this.#spare = this.#spawn();
    this.#count += 1;
    const meter = join(this.#folder, `${this.#count}.bytes`);
    const job: Job = { ...given, attempt: `attempt-${this.#count}`, meter };
    const planned = Promise.withResolvers<PlanAnswer>();
    let counts: Ended['counts'];
    let words = '';
    let isOver = false;
    createInterface(child.stdout ?? process.stdin).on('line', (line) => {
      const said: Said = JSON.parse(line);
      if ('plan' in said) planned.resolve(said.plan);
      else counts = said.counts;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      words += text;
    });
    child.stdin?.write(`${JSON.stringify(job)}\n`);
    let isHung = false;
    const patience = setTimeout(() => {
      isHung = true;
      child.kill('SIGKILL');
    }, PATIENCE_MS);
    const ended = once(child, 'close').then(async ([code, signal]): Promise<Ended> => {
      clearTimeout(patience);
      isOver = true;
      planned.reject(new Error(`it ended before it had planned: ${words}`));
      const how = isHung ? 'hung' : signal === 'SIGKILL' ? 'killed' : code === 0 ? 'done' : 'failed';
      const metered = await readFile(meter).catch(() => Buffer.alloc(0));
      await rm(meter, { force: true });
      return { how, counts, bytes: metered.length < 8 ? 0 : Number(metered.readBigUInt64LE()), words };
    });
    planned.promise.catch(() => undefined);
    return {
      planned: planned.promise,
      ended,
      kill: () => child.kill('SIGKILL'),
      goOn: () => child.kill('SIGCONT'),
      async stopped() {
        while (!isOver && !(await isStopped(child.pid))) await sleep(5);
        return !isOver;
      },
    };
  }

  #spawn(): ChildProcess {
    // Code once compiled is loaded in a quarter of the time.
    const env = { ...process.env, NODE_COMPILE_CACHE: join(this.#folder, 'compiled') };
    return spawn(process.execPath, [SCRIPT], { stdio: 'pipe', env });
  }
}

/** proc(5): the state stands behind the name, which stands in brackets. */
async function isStopped(pid: number | undefined): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).startsWith('T');
}
