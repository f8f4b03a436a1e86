import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { SkyhaulError } from '../errors/skyhaul-error.ts';
import type { Exchange } from './exchange.ts';
import type { OutgoingBody } from './outgoing-body.ts';
import type { StreamCarrier } from './stream-carrier.ts';

/** Where a body goes that Node sends. */
export interface BodyTarget {
  readonly exchange: Exchange;
  readonly carrier: StreamCarrier;
  /** The answer came to its end before the body did: the rest is not sent, and must not look like an end. */
  readonly cut: () => void;
}

/**
 * Writes a body as fast as the host takes it. The time until the headers counts while the host is waited for, and begins
 * anew behind the last byte. Never throws: the exchange learns of everything.
 */
export async function sendBody(body: OutgoingBody, into: Writable, target: BodyTarget): Promise<void> {
  const { exchange, carrier, cut } = target;
  try {
    carrier.sendingBody('ours');
    for await (const chunk of body) {
      if (into.write(chunk)) continue;
      carrier.sendingBody('host');
      await once(into, 'drain', { signal: body.over });
      carrier.sendingBody('ours');
    }
    carrier.sendingBody('host');
    into.end();
  } catch (error) {
    if (exchange.isOver) cut();
    // Errors of the connection are heard by its back-end, which knows what they mean.
    else if (error instanceof SkyhaulError) exchange.giveUp(error);
  }
}
