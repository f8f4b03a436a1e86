import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { z } from 'zod';

/** The default app under a name of its own, in the account of the user's environment. */
const checkout = join(import.meta.dirname, '../..');
const bin = join(checkout, 'node_modules/.bin');

const outputs = z.object({
  SkyhaulStateMachineArn: z.string(),
  SkyhaulBucketName: z.string(),
  SkyhaulRegion: z.string(),
});

export interface Deployed {
  readonly stateMachineArn: string;
  readonly bucket: string;
  readonly region: string;
}

export class SmokeStack {
  readonly name: string;
  /** Words for `cdk` by which it finds the stack again. */
  readonly contextWords: readonly string[];

  constructor(name: string, context: readonly string[]) {
    this.name = name;
    const values = [...context, `stackName=${name}`, 'removalPolicy=destroy'];
    this.contextWords = values.flatMap((value) => ['--context', value]);
  }

  deploy(): Promise<Deployed> {
    return withScratch(async (scratch) => {
      const file = join(scratch, 'outputs.json');
      await this.#cdk(scratch, ['deploy', '--all', '--require-approval', 'never', '--outputs-file', file]);
      const found = JSON.parse(await readFile(file, 'utf8'))[this.name];
      const { SkyhaulStateMachineArn, SkyhaulBucketName, SkyhaulRegion } = outputs.parse(found);
      return { stateMachineArn: SkyhaulStateMachineArn, bucket: SkyhaulBucketName, region: SkyhaulRegion };
    });
  }

  destroy(): Promise<void> {
    return withScratch((scratch) => this.#cdk(scratch, ['destroy', '--all', '--force']));
  }

  async #cdk(scratch: string, words: readonly string[]): Promise<void> {
    const args = [...words, ...this.contextWords, '--output', join(scratch, 'cdk.out'), '--progress', 'events', '--ci'];
    // Its own process group: Ctrl-C must not cut a deployment off, which goes on in the account anyway.
    const cdk = spawn(join(bin, 'cdk'), args, {
      cwd: checkout,
      stdio: ['ignore', 2, 2],
      env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
      detached: true,
    });
    const release = endWithUs(cdk);
    const [code] = await once(cdk, 'close');
    release();
    if (code !== 0) throw new Error(`cdk ${words[0]} ended with ${code}`);
  }
}

function endWithUs(child: ChildProcess): () => void {
  const end = () => child.kill();
  process.once('exit', end);
  return () => process.off('exit', end);
}

async function withScratch<T>(use: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = await mkdtemp(join(tmpdir(), 'skyhaul-smoke-'));
  try {
    return await use(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
