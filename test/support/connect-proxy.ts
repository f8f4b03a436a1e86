import { connect, createServer, isIPv4, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls';

/**
 * An HTTP proxy that knows CONNECT only, on a raw socket of 127.0.0.1. Whatever name or address it is asked for, it goes
 * to loopback, so that no test reaches out; answers may be made up instead.
 */
export interface ConnectProxy {
  /** `http://127.0.0.1:port`, or https. */
  readonly url: string;
  /** As above, under another name. */
  urlAt(host: string): string;
  /** What was asked for, in the order in which it came. */
  readonly asked: readonly Asked[];
  readonly connections: { readonly open: number; readonly total: number };
  /** Ends every connection to a client by a reset. */
  cut(): void;
  /** Resolves when every socket is closed. */
  close(): Promise<void>;
}

interface Asked {
  /** `host:port` */
  readonly authority: string;
  readonly raw: string;
  /** The client showed a certificate of its own. */
  readonly hasCertificate: boolean;
}

export interface ProxyScript {
  /** Instead of a tunnel; with `close` the connection ends behind it. */
  readonly raw?: string;
  readonly close?: boolean;
  /** Sent in front of the tunnel's bytes, together with the answer. @default 'HTTP/1.1 200 OK\r\n\r\n' */
  readonly head?: string;
}

export interface ProxyOptions {
  readonly tls?: TlsOptions;
  readonly answer?: (asked: Asked) => ProxyScript;
}

export async function startConnectProxy({ tls, answer = () => ({}) }: ProxyOptions = {}): Promise<ConnectProxy> {
  const asked: Asked[] = [];
  const connections = { open: 0, total: 0 };
  const sockets = new Set<Socket>();

  const serve = (client: Socket, raw: Socket) => {
    client.on('error', () => client.destroy());
    let received = '';
    const read = (chunk: Buffer) => {
      received += chunk.toString('latin1');
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return;
      client.off('data', read);
      const authority = /^CONNECT (\S+) HTTP\/1\.1\r\n/.exec(received)?.[1] ?? '';
      const hasCertificate = client instanceof TLSSocket && Object.keys(client.getPeerCertificate()).length > 0;
      const one = { authority, raw: received.slice(0, end), hasCertificate };
      asked.push(one);
      const script = answer(one);
      if (script.raw === undefined) return tunnel(client, raw, one, script);
      client.resume().once('end', () => client.end());
      client.write(script.raw);
      if (script.close === true) client.end();
    };
    client.on('data', read);
  };

  const tunnel = (
    client: Socket,
    raw: Socket,
    { authority }: Asked,
    { head = 'HTTP/1.1 200 OK\r\n\r\n' }: ProxyScript,
  ) => {
    const at = authority.lastIndexOf(':');
    const host = authority.slice(0, at);
    const isLoopback = isIPv4(host) && host.startsWith('127.');
    const target = connect({ host: isLoopback ? host : '127.0.0.1', port: Number(authority.slice(at + 1)) });
    sockets.add(target);
    target.once('close', () => sockets.delete(target));
    target.once('connect', () => {
      client.write(head);
      client.pipe(target).pipe(client);
    });
    target.on('error', () => raw.resetAndDestroy());
    raw.once('close', () => target.destroy());
    // Read on, or it would not learn that the client goes.
    target.once('close', () => client.unpipe().resume().end());
  };

  const server: Server = tls === undefined ? createServer({ allowHalfOpen: true }) : createTlsServer(tls);
  const rawOf = new Map<number | undefined, Socket>();
  server.on('connection', (socket: Socket) => {
    connections.open += 1;
    connections.total += 1;
    sockets.add(socket);
    rawOf.set(socket.remotePort, socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      connections.open -= 1;
      sockets.delete(socket);
    });
    if (tls === undefined) serve(socket, socket);
  });
  server.on('secureConnection', (socket: Socket) => serve(socket, rawOf.get(socket.remotePort) ?? socket));
  server.on('tlsClientError', (_error: Error, socket: Socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const urlAt = (host: string) => `${tls === undefined ? 'http' : 'https'}://${host}:${port}`;

  return {
    url: urlAt('127.0.0.1'),
    urlAt,
    asked,
    connections,
    cut: () => {
      for (const socket of rawOf.values()) if (!socket.destroyed) socket.resetAndDestroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
