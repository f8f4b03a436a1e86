/**
 * `npm run localstack:deploy [-- --port 4566] [-- -c maxConcurrency=4]`: the default app, deployed to the LocalStack that
 * `npm run localstack` has started. Prints the outputs of its stacks.
 */
import { parseArgs } from 'node:util';
import { deployStacks } from './cdk.ts';
import { readHealth } from './instance.ts';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '4566' },
      context: { type: 'string', short: 'c', multiple: true, default: [] },
    },
  });
  const endpoint = `http://127.0.0.1:${values.port}`;
  if ((await readHealth(endpoint)) === undefined) {
    console.error(`no LocalStack answers on ${endpoint}: start one in another terminal with 'npm run localstack'`);
    process.exitCode = 1;
    return;
  }
  const context = Object.fromEntries(values.context.map((pair) => pair.split(/=(.*)/s, 2)));
  const log = (text: string) => process.stderr.write(text);
  for (const [stack, outputs] of Object.entries(await deployStacks({ endpoint, context, log }))) {
    for (const [name, value] of Object.entries(outputs)) console.log(`${stack}.${name} = ${value}`);
  }
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
