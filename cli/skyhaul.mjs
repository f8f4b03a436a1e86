#!/usr/bin/env node
// The entry point. It runs on any Node far enough to say that the Node is too old; everything else is loaded after that.
import { checkNode } from './check-node.mjs';

checkNode(['npx skyhaul …', 'npm run skyhaul -- …']);
// Every small file waits for its disk: with the usual four threads lanes would wait for each other. Before anything uses one.
process.env.UV_THREADPOOL_SIZE ??= '16';
// What Node makes of the sources is kept, which halves the time to start. Not below /tmp, where others may write.
const { enableCompileCache } = await import('node:module');
const { join, isAbsolute } = await import('node:path');
const { homedir } = await import('node:os');
const { XDG_CACHE_HOME: caches = '' } = process.env;
enableCompileCache(join(isAbsolute(caches) ? caches : join(homedir(), '.cache'), 'skyhaul'));
await import('./main.ts');
