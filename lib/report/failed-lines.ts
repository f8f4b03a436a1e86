import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Options } from '../contract/options.ts';
import type { ErrorName } from '../errors/catalogue.ts';
import { getLines } from '../ledger/json-lines.ts';
import { runKeys } from '../ledger/run-keys.ts';
import type { ObjectStore } from '../store/object-store.ts';

/**
 * `failed.jsonl` as a run reads it that takes the failed lines up: one line in memory at a time, only those that failed
 * for certain errors where somebody asks for them. What such a line is: see `failedLine`.
 */
const failedLine = z.looseObject({
  error: z.looseObject({ name: z.string() }),
  request: z.record(z.string(), z.unknown()).optional(),
});
export type FailedLine = z.infer<typeof failedLine>;

/** `only` empty: all of them. */
export async function* readFailed(
  state: ObjectStore,
  run: string,
  only: ReadonlySet<ErrorName>,
): AsyncIterable<FailedLine> {
  const names: ReadonlySet<string> = only;
  for await (const value of getLines(state, runKeys(run).failed)) {
    const line = failedLine.parse(value);
    if (names.size === 0 || names.has(line.error.name)) yield line;
  }
}

/**
 * The line without what the batch said of every line: a run that is given the options of the batch again says it anew,
 * and may say something else. What the line said itself stays: pure.
 */
export function withoutBatch(line: FailedLine, { request, transform }: Pick<Options, 'request' | 'transform'>): object {
  const { request: asked, transform: steps, ...item } = line;
  const own = withoutEqual(asked, request);
  return {
    ...item,
    ...(steps !== undefined && !isSame(steps, transform) && { transform: steps }),
    ...(Object.keys(own).length > 0 && { request: own }),
  };
}

/** Headers and query are merged by name, so each of their entries counts for itself. */
const BY_NAME = ['headers', 'query'];

function withoutEqual(given: Record<string, unknown> = {}, other: object = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      const there: unknown = Reflect.get(other, name);
      if (isSame(value, there)) return [];
      if (!BY_NAME.includes(name) || !isRecord(value) || !isRecord(there)) return [[name, value]];
      return [[name, withoutEqual(value, there)]];
    }),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** One of them comes out of a file: what is undefined does not stand there. */
function isSame(one: unknown, other: unknown): boolean {
  return other !== undefined && isDeepStrictEqual(one, JSON.parse(JSON.stringify(other)));
}
