import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificate } from '../../test/support/origin-certificate.ts';

/** The two ends of the race, both over TLS on 127.0.0.1: nginx with the files, and versitygw as the S3 they go to. */
export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

export interface Certificate {
  /** Paths of PEM files; the certificate is its own authority. */
  readonly cert: string;
  readonly key: string;
}

export const CREDENTIALS = { accessKeyId: 'race', secretAccessKey: 'race-secret-race', region: 'us-east-1' };

export async function writeCertificate(folder: string): Promise<Certificate> {
  const { cert, key } = makeCertificate();
  const paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  await writeFile(paths.cert, cert);
  await writeFile(paths.key, key, { mode: 0o600 });
  return paths;
}

export async function startNginx(
  command: string,
  folder: string,
  files: string,
  { cert, key }: Certificate,
): Promise<Server> {
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/nginx-${name};`)
    .join(' ');
  const config = `
    daemon off; worker_processes 2; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log warn; user root;
    events { worker_connections 1024; }
    http {
      ${temporary}
      access_log off; sendfile on; keepalive_requests 1000000; default_type application/octet-stream;
      server { listen 127.0.0.1:${port} ssl backlog=1024; ssl_certificate ${cert}; ssl_certificate_key ${key}; root ${files}; }
    }`;
  await writeFile(join(folder, 'nginx.conf'), config);
  const child = spawn(command, ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' });
  return serving(child, port);
}

export async function startGateway(command: string, folder: string, { cert, key }: Certificate): Promise<Server> {
  const port = await freePort();
  await mkdir(folder, { recursive: true });
  const { accessKeyId, secretAccessKey, region } = CREDENTIALS;
  const keys = ['--access', accessKeyId, '--secret', secretAccessKey, '--region', region];
  const words = [
    ...keys,
    '--port',
    `127.0.0.1:${port}`,
    '--cert',
    cert,
    '--key',
    key,
    '--quiet',
    '--keep-alive',
    'posix',
    folder,
  ];
  return serving(spawn(command, words, { stdio: ['ignore', 'ignore', 'inherit'] }), port);
}

async function serving(child: ChildProcess, port: number): Promise<Server> {
  const ended = once(child, 'exit');
  for (let tries = 0; !(await isOpen(port)); tries += 1) {
    if (child.exitCode !== null || tries > 100) throw new Error(`${child.spawnfile} does not come up`);
    await sleep(50);
  }
  return {
    url: `https://127.0.0.1:${port}`,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  const found = await promise;
  socket.destroy();
  return found;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
