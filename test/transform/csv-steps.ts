import fc from 'fast-check';
import type { StepCounts, TransformStep } from '../../lib/transform/transform.ts';

/** What a step makes of chunks that are overwritten as soon as the next one is asked for, as its contract allows. */
export async function run(step: TransformStep, chunks: readonly Uint8Array[]) {
  const counts: StepCounts = { rowsIn: 0, rowsOut: 0 };
  const out: Buffer[] = [];
  for await (const bytes of step.apply(lent(chunks), counts)) {
    out.push(Buffer.from(bytes));
    bytes.fill(0x3f);
  }
  return { bytes: Buffer.concat(out), text: Buffer.concat(out).toString(), counts };
}

async function* lent(chunks: readonly Uint8Array[]) {
  for (const chunk of chunks) {
    const copy = Buffer.from(chunk);
    yield copy;
    copy.fill(0x21);
  }
}

export function runText(step: TransformStep, text: string) {
  return run(step, [Buffer.from(text)]);
}

/** The same bytes in pieces, empty ones too. */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...chunks, bytes.subarray(Math.min(at, bytes.length))];
}

export const sizes = fc.array(fc.nat(9), { maxLength: 60 });

/** Output and counts, or the error: the same for whatever chunks. */
export async function told(step: TransformStep, chunks: readonly Uint8Array[]): Promise<string> {
  try {
    const { text, counts } = await run(step, chunks);
    return JSON.stringify([text, counts]);
  } catch (error) {
    return String(error);
  }
}

export async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunks) bytes += chunk.length;
  return bytes;
}
