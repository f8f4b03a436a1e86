import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkFiles, makeFiles } from './files.ts';
import { measure } from './measure.ts';
import { AWS_ENV, type Racer, toFolder, toS3 } from './racers.ts';
import { type Server, startGateway, startNginx, writeCertificate } from './servers.ts';

/**
 * Many small files, from nginx over TLS to a folder and to S3 (versitygw over TLS), by Skyhaul and by what people would take
 * instead: files a second, and CPU milliseconds a file of the command alone. Every result is compared with the files.
 * `npm run bench:small -- --files 2000`. Tools are looked for in `--tools` (folders, as in PATH) and on the PATH.
 */
const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '20000' },
    connections: { type: 'string', default: '16' },
    rounds: { type: 'string', default: '1' },
    only: { type: 'string' },
    to: { type: 'string', default: 'folder,s3' },
    tools: { type: 'string', default: '' },
    in: { type: 'string', default: tmpdir() },
  },
});

const find = (command: string): string => {
  const folders = [values.tools, process.env.PATH ?? ''].join(delimiter).split(delimiter);
  return folders.map((folder) => join(folder, command)).find((path) => existsSync(path)) ?? '';
};
const connections = values.connections === 'default' ? undefined : Number(values.connections);
Object.assign(process.env, AWS_ENV);
// rclone cannot live with it; who needs the certificate is given it.
delete process.env.AWS_CA_BUNDLE;

const base = await mkdtemp(join(values.in, 'skyhaul-race-'));
const stops: (() => Promise<void>)[] = [];
try {
  if (find('nginx') === '') throw new Error('nginx is not here: apt-get install nginx-light');
  const files = await makeFiles(join(base, 'files'), Number(values.files));
  const certificate = await writeCertificate(base);
  const origin = await startNginx(find('nginx'), base, join(base, 'files'), certificate);
  stops.push(origin.stop);
  const urls = files.names.map((name) => `${origin.url}/${name}`);
  const size = `${files.names.length} files of 1 to 100 KB, ${(files.bytes / 1e6).toFixed(0)} MB`;
  console.log(`${size}; connections: ${connections ?? "each one's own default"}\n`);
  console.log('| to | who | files/s | CPU-ms a file |\n|---|---|---:|---:|');
  for (const to of values.to.split(',')) {
    for (const racer of to === 's3' ? toS3 : toFolder) {
      if (values.only !== undefined && !values.only.split(',').includes(racer.name)) continue;
      const cells = await race(racer, to === 's3');
      console.log(`| ${to === 's3' ? 'S3' : 'folder'} | ${racer.name} | ${cells} |`);
    }
  }

  async function race(racer: Racer, isS3: boolean): Promise<string> {
    const missing = [...racer.needs, ...(isS3 ? ['versitygw'] : [])].filter((command) => find(command) === '');
    if (missing.length > 0) return `${missing.join(', ')} not here | `;
    const runs = [];
    for (let round = 0; round < Number(values.rounds); round += 1) runs.push(await one(racer, isS3));
    runs.sort((a, b) => a.seconds - b.seconds);
    const middle = runs[Math.floor(runs.length / 2)];
    if (!middle) throw new Error('no round');
    const count = files.names.length;
    const flaw = runs.find((run) => run.flaw !== undefined)?.flaw;
    const speed = `${(count / middle.seconds).toFixed(0)}${flaw === undefined ? '' : ` (wrong: ${flaw})`}`;
    return `${speed} | ${((1_000 * middle.cpuSeconds) / count).toFixed(2)}`;
  }

  async function one(racer: Racer, isS3: boolean) {
    const folder = await mkdtemp(join(base, 'run-'));
    let gateway: Server | undefined;
    try {
      const out = join(folder, 'out', 'bucket');
      await mkdir(out, { recursive: true });
      gateway = isS3 ? await startGateway(find('versitygw'), join(folder, 'out'), certificate) : undefined;
      const to = isS3 ? 'bucket' : out;
      const ca = certificate.cert;
      const start = await racer.prepare({ urls, origin: origin.url, folder, to, gateway, ca, connections }, find);
      const measured = await measure(start, folder);
      const isOther = (path: string) => racer.isOther(path) || path.startsWith('.sgwtmp');
      const flaw = await checkFiles(out, files, isOther).catch(({ message }: Error) =>
        message.replace(` in ${out}`, ''),
      );
      return { ...measured, flaw };
    } finally {
      // The folder stays: ext4 looks for a minute or more past inodes that were just freed, and the next one would pay for it.
      await gateway?.stop();
    }
  }
} finally {
  for (const stop of stops) await stop();
  await rm(base, { recursive: true, force: true });
}
