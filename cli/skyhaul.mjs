#!/usr/bin/env node
// The entry point. It runs on any Node far enough to say that the Node is too old; everything else is loaded after that.
import { checkNode } from './check-node.mjs';

checkNode(['npx skyhaul …', 'npm run skyhaul -- …']);
// Every small file waits for its disk: with the usual four threads lanes would wait for each other. Before anything uses one.
process.env.UV_THREADPOOL_SIZE ??= '16';
await import('./main.ts');
