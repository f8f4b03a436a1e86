import { openLocalStore } from '../../lib/store/local-store.ts';
import { wireFiles } from './crash-files.ts';
import { Tripwire } from './crash-trip.ts';

/** Begins an upload of `f` below the first argument and is killed behind its n-th write to the file system, the second one. */
const [root = '', at = '1'] = process.argv.slice(2);
const store = openLocalStore(root);
const wire = new Tripwire();
await wireFiles(wire);
wire.arm({ level: 'files', at: Number(at), when: 'after', signal: 'SIGKILL' });
await store.createUpload('f', {});
