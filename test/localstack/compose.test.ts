import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { composeFile } from '../../localstack/docker.ts';
import { SERVICES } from '../../localstack/instance.ts';
import { preparePython } from '../../localstack/python-env.ts';

/** Read by the YAML parser of LocalStack's own venv; starting it needs a Docker engine. */
const READ = 'import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)';

interface Service {
  readonly image: string;
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

let services: Readonly<Record<string, Service>>;
beforeAll(async () => {
  const python = await preparePython(console.error);
  const { stdout } = await promisify(execFile)(python, ['-c', READ, composeFile]);
  ({ services } = JSON.parse(stdout));
});

test('the compose file names the last image that needs no token', () => {
  expect(Object.keys(services)).toEqual(['localstack']);
  expect(services.localstack?.image).toBe('localstack/localstack:4.14.0');
});

test('the compose file publishes on loopback only', () => {
  expect(services.localstack?.ports).toEqual([
    expect.stringMatching(/^127\.0\.0\.1:\$\{SKYHAUL_LOCALSTACK_PORT:-4566\}:4566$/),
  ]);
});

test('the compose file gives LocalStack the engine, for the functions', () => {
  expect(services.localstack?.volumes).toEqual(['/var/run/docker.sock:/var/run/docker.sock']);
});

test('the compose file starts the services that LocalStack without Docker has', () => {
  expect(services.localstack?.environment.SERVICES).toBe(`\${SKYHAUL_LOCALSTACK_SERVICES:-${SERVICES.join(',')}}`);
  for (const value of Object.values(services.localstack?.environment ?? {})) expect(value).toBeTypeOf('string');
});
