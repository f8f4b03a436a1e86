import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CREDENTIALS, type Server } from './servers.ts';

/**
 * Who races, with the words that make each of them do the same: load a list of URLs over at most so many connections into
 * a folder or a bucket. Each gets its list in the form it wants, written beforehand.
 */
interface Race {
  readonly urls: readonly string[];
  readonly origin: string;
  /** Of the lists. */
  readonly folder: string;
  /** Absolute path of the folder, or the name of the bucket. */
  readonly to: string;
  readonly gateway: Server | undefined;
  readonly ca: string;
  /** None: whatever each does by itself. */
  readonly connections: number | undefined;
}

export interface Start {
  readonly command: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** A second step, where the first one knows no S3. */
  readonly next?: Start;
}

export interface Racer {
  readonly name: string;
  /** Command whose absence is named in the table. */
  readonly needs: readonly string[];
  readonly prepare: (race: Race, find: (command: string) => string) => Promise<Start>;
  /** What it leaves beside the files. */
  readonly isOther: (path: string) => boolean;
}

const skyhaul = fileURLToPath(new URL('../../cli/skyhaul.mjs', import.meta.url));
const none = () => false;

const ours: Racer = {
  name: 'Skyhaul',
  needs: [],
  isOther: (path) => path.includes('.skyhaul/'),
  prepare: async ({ urls, folder, to, gateway, ca, connections }) => {
    const list = join(folder, 'list.txt');
    await writeFile(list, urls.map((url) => `${url}\n`).join(''));
    const where = gateway ? ['--to', `s3://${to}`, '--endpoint', gateway.url] : ['--to', to];
    const many = connections === undefined ? [] : ['--per-host-connections', String(connections)];
    const words = [skyhaul, 'run', list, ...where, '--allow-network', '127.0.0.0/8', ...many, '--quiet'];
    return { command: process.execPath, words, env: { NODE_EXTRA_CA_CERTS: ca } };
  },
};

const aria2: Racer = {
  name: 'aria2',
  needs: ['aria2c'],
  isOther: none,
  prepare: async ({ urls, folder, to, ca, connections }, find) => {
    const list = join(folder, 'list.txt');
    await writeFile(list, urls.map((url) => `${url}\n`).join(''));
    const many = connections === undefined ? [] : [`-j${connections}`];
    const words = [`--input-file=${list}`, `--dir=${to}`, `--ca-certificate=${ca}`, '--file-allocation=none', ...many];
    return { command: find('aria2c'), words: [...words, '--quiet', '--auto-file-renaming=false'], env: {} };
  },
};

const curl: Racer = {
  name: 'curl --parallel',
  needs: ['curl'],
  isOther: none,
  prepare: async ({ urls, folder, to, ca, connections }, find) => {
    const list = join(folder, 'curl.conf');
    const lines = urls.map((url) => `url = "${url}"\noutput = "${join(to, url.slice(url.lastIndexOf('/') + 1))}"\n`);
    await writeFile(list, lines.join(''));
    const many = connections === undefined ? [] : ['--parallel-max', String(connections)];
    const words = ['--parallel', ...many, '--cacert', ca, '--silent', '--show-error', '--fail', '--config', list];
    return { command: find('curl'), words, env: {} };
  },
};

const img2dataset: Racer = {
  name: 'img2dataset',
  needs: ['img2dataset'],
  // A record beside each file, statistics for each shard.
  isOther: (path) => !path.endsWith('.jpg'),
  prepare: async ({ urls, folder, to, gateway, ca, connections }, find) => {
    const list = join(folder, 'urls.txt');
    await writeFile(list, urls.map((url) => `${url}\n`).join(''));
    // One process for each CPU of two, as its manual advises.
    const threads = connections === undefined ? [] : ['--processes_count=2', `--thread_count=${connections / 2}`];
    const output = gateway ? `s3://${to}/out` : to;
    const raw = ['--output_format=files', '--resize_mode=no', '--disable_all_reencoding=True', '--retries=0'];
    const words = [`--url_list=${list}`, '--input_format=txt', `--output_folder=${output}`, ...raw, ...threads];
    const env = { SSL_CERT_FILE: ca, NO_ALBUMENTATIONS_UPDATE: '1' };
    const endpoint = { AWS_ENDPOINT_URL: gateway?.url ?? '', AWS_CA_BUNDLE: ca };
    return { command: find('img2dataset'), words, env: gateway ? { ...env, ...endpoint } : env };
  },
};

const rclone: Racer = {
  name: 'rclone',
  needs: ['rclone'],
  isOther: none,
  prepare: async ({ urls, origin, folder, to, gateway, ca, connections }, find) => {
    const list = join(folder, 'names.txt');
    await writeFile(list, urls.map((url) => `${url.slice(url.lastIndexOf('/') + 1)}\n`).join(''));
    const many = connections === undefined ? [] : [`--transfers=${connections}`, `--checkers=${connections}`];
    const from = [`--http-url=${origin}/`, '--http-no-head', `--files-from=${list}`, '--no-traverse'];
    const words = [
      'copy',
      ':http:',
      gateway ? `:s3:${to}` : to,
      ...from,
      `--ca-cert=${ca}`,
      ...many,
      ...remote(gateway),
    ];
    return { command: find('rclone'), words, env: { RCLONE_CONFIG: join(folder, 'rclone.conf') } };
  },
};

/** What a user without anything better does: the quicker of the two loads into a folder, rclone carries it on. */
const twoSteps: Racer = {
  name: 'aria2 + rclone',
  needs: ['aria2c', 'rclone'],
  isOther: none,
  prepare: async (race, find) => {
    const { folder, to, gateway, ca, connections } = race;
    const between = join(folder, 'between');
    await mkdir(between);
    const first = await aria2.prepare({ ...race, to: between }, find);
    const many = connections === undefined ? [] : [`--transfers=${connections}`, `--checkers=${connections}`];
    const words = ['copy', between, `:s3:${to}`, '--no-traverse', `--ca-cert=${ca}`, ...many, ...remote(gateway)];
    const env = { RCLONE_CONFIG: join(folder, 'rclone.conf') };
    return { ...first, next: { command: find('rclone'), words, env } };
  },
};

function remote(gateway: Server | undefined): string[] {
  if (!gateway) return [];
  return ['--s3-provider=Other', '--s3-env-auth', `--s3-endpoint=${gateway.url}`, '--s3-no-check-bucket'];
}

export const toFolder: readonly Racer[] = [ours, aria2, curl, img2dataset, rclone];
export const toS3: readonly Racer[] = [ours, rclone, twoSteps, img2dataset];

/** For all of them. */
export const AWS_ENV = {
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  AWS_REGION: CREDENTIALS.region,
};
