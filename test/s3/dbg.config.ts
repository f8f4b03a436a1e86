export default { test: { include: ['test/s3/dbg.test.ts'], root: '/work/main' } };
