/** Carries out the effects of rules around whatever can receive a request and apply it. Knows nothing of S3 itself. */
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, type Call, errorAnswer, type Operation, resetAnswer, sendAnswer } from './store-faults-call.ts';
import type { Effect } from './store-faults-rules.ts';

export interface Carrier<Body> {
  /** The whole body of the request; what is read with a limit is not applied. */
  receive(limitBytes?: number): Promise<Body>;
  /** S3 carries the call out. May be done more than once. */
  apply(body: Body): Promise<Answer>;
}

export class FaultLayer {
  readonly #zombies: { readonly call: Call; readonly before: Operation; readonly run: () => Promise<unknown> }[] = [];
  readonly #ended = new AbortController();

  /** Second effects that waited for this call. Before anything else of it. */
  async wake(call: Call): Promise<void> {
    for (const zombie of this.#zombies.splice(0)) {
      const isDue =
        zombie.before === call.operation && zombie.call.key === call.key && zombie.call.bucket === call.bucket;
      if (isDue) await zombie.run();
      else this.#zombies.push(zombie);
    }
  }

  async serve<Body>(call: Call, effect: Effect, carrier: Carrier<Body>, response: ServerResponse): Promise<void> {
    const { apply = 'once', reply } = effect;
    if (effect.resetAfterBytes !== undefined) {
      await carrier.receive(effect.resetAfterBytes).catch(() => undefined);
      return resetAnswer(response);
    }
    const body = await carrier.receive();
    if (effect.delayMs !== undefined) await sleep(effect.delayMs);
    await effect.before?.(call);
    let answer = errorAnswer(500, 'InternalError');
    if (apply !== 'never') {
      answer = await carrier.apply(body);
      this.#applyAgain(call, apply, () => carrier.apply(body));
      if (apply === 'twice') answer = await carrier.apply(body);
      await effect.after?.(call);
    }
    if (effect.replyDelayMs !== undefined) await sleep(effect.replyDelayMs);
    if (reply === undefined) return sendAnswer(response, answer);
    if (reply === 'hang') return;
    if (reply === 'reset') return resetAnswer(response);
    if (typeof reply === 'function') return sendAnswer(response, reply(answer));
    if ('cut' in reply) return cutAnswer(response, answer, reply.cut);
    if ('shorten' in reply) return sendAnswer(response, shorten(answer, reply.shorten));
    sendAnswer(response, errorAnswer(reply.status, reply.code));
  }

  /** Zombies that have not come yet never do. */
  end(): void {
    this.#zombies.length = 0;
    this.#ended.abort();
  }

  #applyAgain(call: Call, apply: Effect['apply'], again: () => Promise<unknown>): void {
    if (typeof apply !== 'object') return;
    const run = () => again().catch(() => undefined);
    if ('againBefore' in apply) this.#zombies.push({ call, before: apply.againBefore, run });
    else void sleep(apply.againAfterMs, undefined, { signal: this.#ended.signal }).then(run, () => undefined);
  }
}

function shorten(answer: Answer, share: number): Answer {
  const { 'content-length': _, ...headers } = answer.headers;
  return { ...answer, headers, body: answer.body.subarray(0, Math.floor(answer.body.length * share)) };
}

/** The length says more than comes. */
function cutAnswer(response: ServerResponse, { status, headers, body }: Answer, share: number): void {
  const { 'transfer-encoding': _, ...rest } = headers;
  response.writeHead(status, { ...rest, 'content-length': body.length });
  // Once the kernel has it, the reset may overtake it: what counts is that the answer never ends.
  response.write(body.subarray(0, Math.floor(body.length * share)), () => setImmediate(() => resetAnswer(response)));
}
