import { z } from 'zod';
import { checkContract } from '../contract/parse.ts';
import { invalid, type Problem } from '../contract/problem.ts';
import type { BodyStream } from '../source/outgoing-body.ts';
import { type OpenBody, StreamedBody } from '../source/streamed-body.ts';

export interface SplitBody {
  /** With a text in the place of the stream: for everything else there is a body, and that is all that counts. */
  readonly said: object;
  readonly body?: StreamedBody | undefined;
  readonly problems: readonly Problem[];
}

const STANDS_FOR_IT = '';
const STREAMS = 'a web stream, an async iterable, or a function that opens one';

/** Of the stream it sees that there is one. */
const schema = z.object({ body: z.strictObject({ stream: z.string(), bytes: z.int().min(0).optional() }) });

/** Takes a body that is no JSON out of an item, or of the options of one: a stream, what opens it, or `{ stream, bytes }`. */
export function splitBody(given: object): SplitBody {
  const { body } = given as { readonly body?: unknown };
  if (isBodyStream(body)) return split(given, new StreamedBody(body, undefined));
  if (typeof body !== 'object' || body === null || !('stream' in body)) return { said: given, problems: [] };
  const { stream } = body;
  if (!isBodyStream(stream)) return refused(given, [invalid('body.stream', undefined, STREAMS)]);
  const checked = checkContract(schema, { body: { ...body, stream: '' } });
  if (!checked.ok) return refused(given, checked.problems);
  return split(given, new StreamedBody(stream, checked.value.body.bytes));
}

function split(given: object, body: StreamedBody): SplitBody {
  return { said: { ...given, body: STANDS_FOR_IT }, body, problems: [] };
}

function refused(given: object, problems: readonly Problem[]): SplitBody {
  return { said: { ...given, body: STANDS_FOR_IT }, problems };
}

function isBodyStream(value: unknown): value is BodyStream | OpenBody {
  if (typeof value === 'function') return true;
  return typeof value === 'object' && value !== null && ('getReader' in value || Symbol.asyncIterator in value);
}
