import { createHash } from 'node:crypto';
import type { TransformContext } from '../../lib/transform/user-module.ts';

/** The module of the stack that the lane `deployed` deploys: it fails where the key says so. */
export default async function* shout(
  input: AsyncIterable<Uint8Array>,
  { key, log }: TransformContext,
): AsyncGenerator<Uint8Array> {
  if (key.endsWith('timer')) setTimeout(() => JSON.parse('my timer'), 1);
  if (key.endsWith('rejects')) void Promise.reject(new Error('my promise'));
  for await (const chunk of input) {
    if (key.endsWith('throws')) throw new Error('my throw');
    if (!key.endsWith('fine')) await new Promise((resolve) => setTimeout(resolve, 200));
    yield Buffer.from(Buffer.from(chunk).toString('latin1').toUpperCase(), 'latin1');
  }
  log(`${key} is done`);
}

export async function consume(input: AsyncIterable<Uint8Array>): Promise<{ md5: string }> {
  const hash = createHash('md5');
  for await (const chunk of input) hash.update(chunk);
  return { md5: hash.digest('hex') };
}
