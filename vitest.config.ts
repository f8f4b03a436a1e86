import { defineConfig } from 'vitest/config';
import { lane } from './test/support/lane.ts';

/**
 * One project per lane, from the fastest to the slowest. `npm run test:unit` needs nothing but Node; the S3 lane
 * starts a real S3 endpoint first.
 */
export default defineConfig({
  test: {
    pool: 'forks',
    reporters: ['default', './test/support/closing-line.ts'],
    projects: [
      lane('unit', [
        'test/{contract,errors,manifest,plan,ledger,report,transfer,transform,source,store,janitor,library,model,architecture,bench}/**/*.test.ts',
      ]),
      lane('functions', ['test/functions/**/*.test.ts']),
      lane('cdk', ['test/cdk/**/*.test.ts']),
      lane('machine', ['test/machine/**/*.test.ts']),
      lane('crash', ['test/crash/*.test.ts'], { testTimeout: 600_000 }),
      lane('memory', ['test/memory/*.test.ts'], { testTimeout: 600_000 }),
      lane('memory-s3', ['test/memory-s3/**/*.test.ts']),
      lane('s3', ['test/s3/**/*.test.ts'], { globalSetup: ['test/support/s3-endpoint.ts'] }),
      lane('localstack', ['test/localstack/**/*.test.ts'], { globalSetup: ['test/support/localstack-lane.ts'] }),
      lane('deployed', ['test/deployed/**/*.test.ts'], {
        globalSetup: ['test/support/localstack-deployed.ts'],
        testTimeout: 600_000,
      }),
      lane('cli', ['test/cli/**/*.test.ts']),
    ],
  },
});
