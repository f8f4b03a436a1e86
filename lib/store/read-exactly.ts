/**
 * A body of exactly so many bytes, or an error: its own, the signal's reason, or ChecksumRefused for one that is shorter
 * or longer. Nothing past the last byte comes through. An abort takes effect at once, although the body may never answer.
 */
import { SkyhaulError } from '../errors/skyhaul-error.ts';

/** `what` names the bytes in messages. The body is asked to close whenever it is not read to its end. */
export async function* readExactly(
  body: AsyncIterable<Uint8Array>,
  bytes: number,
  what: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  let giveUp: (() => void) | undefined;
  const onAbort = () => giveUp?.();
  signal?.addEventListener('abort', onAbort);
  let isAnswering = false;
  const next = async () => {
    signal?.throwIfAborted();
    isAnswering = true;
    const step = await new Promise<IteratorResult<Uint8Array> | undefined>((resolve, reject) => {
      giveUp = () => resolve(undefined);
      iterator.next().then(resolve, reject);
    });
    if (step === undefined) throw signal?.reason;
    isAnswering = false;
    return step;
  };
  let isOver = false;
  let left = bytes;
  try {
    for (;;) {
      const step = await next();
      isOver = step.done === true;
      if (step.done === true) break;
      left -= step.value.length;
      if (left < 0) throw refuse(what, bytes, `more`);
      if (step.value.length > 0) yield step.value;
    }
    if (left > 0) throw refuse(what, bytes, `${bytes - left}`);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    if (!isOver) {
      const closing = Promise.resolve(iterator.return?.()).catch(() => undefined);
      // A generator that is still waiting for its own source answers only after that.
      if (!isAnswering) await closing;
    }
  }
}

function refuse(what: string, wanted: number, found: string): SkyhaulError {
  return new SkyhaulError('ChecksumRefused', `${what}: wanted ${wanted} bytes, found ${found}.`);
}
