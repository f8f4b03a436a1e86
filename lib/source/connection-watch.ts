import type { Socket } from 'node:net';

/**
 * What happened on a socket, in the order in which it happened there. undici reports a body framed by the end of the
 * connection as complete even when that end was a reset; only the socket knows the difference.
 */
export class ConnectionWatch {
  readonly socket: Socket;
  /** Resolves when the socket is closed, for whatever reason. */
  readonly closed: Promise<void>;
  /** Handed over to HTTP: TCP and TLS are up. */
  isEstablished = false;
  #hasEnded = false;
  #error: Error | undefined;

  /** Must be made before anybody else listens to the socket, so that it knows first. */
  constructor(socket: Socket) {
    this.socket = socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.once('end', () => {
      this.#hasEnded = true;
    });
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.once('close', () => resolve());
  }

  /** The peer ended its side in order (FIN). */
  get hasEndedInOrder(): boolean {
    return this.#hasEnded && this.#error === undefined;
  }

  /** The connection had ended, in order or not, before `error` was raised about it. */
  wasCutBefore(error: unknown): boolean {
    return this.#hasEnded || (this.#error !== undefined && this.#error !== error);
  }
}
