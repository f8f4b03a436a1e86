import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENTRY, LOOPBACK } from './skyhaul-process.ts';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** Every line of every `sh` block of README.md, in its order; blocks inside of list items are indented. */
export async function readReadmeCommands(): Promise<string[]> {
  const text = await readFile(join(PROJECT, 'README.md'), 'utf8');
  return [...text.matchAll(/^( *)```sh\n(.*?)^ *```$/gms)].flatMap(([, indent = '', block = '']) =>
    block
      .split('\n')
      .map((line) => line.slice(indent.length).trim())
      .filter((line) => line !== '' && !line.startsWith('#')),
  );
}

/** Commands that put a LocalStack and a stack of their own on this machine. */
export function needsLocalStack(command: string): boolean {
  return command.includes('localstack') || command.includes('127.0.0.1:4566');
}

/** Commands about a deployment; a lane of their own runs them against one. */
export function needsAws(command: string): boolean {
  if (needsLocalStack(command)) return false;
  return /^(aws |npx cdk |npx skyhaul (submit|watch|report|stop|list) (?!.*--to \.\/))/.test(`${command} `);
}

/** Commands that a lane of their own runs: everything else with an S3 address, against a local S3. */
export function needsS3(command: string): boolean {
  return (
    !needsAws(command) && !needsLocalStack(command) && (command.includes('s3://') || command.includes('--endpoint'))
  );
}

/**
 * An environment in which `npx skyhaul` is the checkout's own, and may also reach this machine: the hosts that README.md
 * names are replaced by a local one.
 */
export async function readmeEnvironment(folder: string): Promise<Record<string, string>> {
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  const skyhaul = `'${process.execPath}' '${ENTRY}'`;
  const npx = `#!/bin/sh
[ "$1" = skyhaul ] || exit 99
shift
case "$*" in
  "run "*|"redrive "*" --to "*) exec ${skyhaul} "$@" ${LOOPBACK.join(' ')};;
esac
exec ${skyhaul} "$@"
`;
  await writeFile(join(bin, 'npx'), npx);
  await chmod(join(bin, 'npx'), 0o755);
  return { PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
}
