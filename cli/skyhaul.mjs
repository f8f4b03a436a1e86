#!/usr/bin/env node
// The entry point. It runs on any Node far enough to say that the Node is too old; everything else is loaded after that.
import { checkNode } from './check-node.mjs';

checkNode(['npx skyhaul …', 'npm run skyhaul -- …']);
await import('./main.ts');
