// `npm run demo`. It runs on any Node far enough to say that the Node is too old; the demo itself stands in run-demo.ts.
import { checkNode } from '../cli/check-node.mjs';

checkNode(['npm run demo']);
await import('./run-demo.ts');
