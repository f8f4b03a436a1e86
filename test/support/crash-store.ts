import type { ObjectStore, StoreLimits } from '../../lib/store/object-store.ts';
import type { Tripwire } from './crash-trip.ts';

/** A store whose every operation passes the tripwire. A listing counts once, when it begins. */
export function wiredStore(store: ObjectStore, wire: Tripwire, limits: Partial<StoreLimits> = {}): ObjectStore {
  const around = <T>(operation: () => Promise<T>) => wire.around('store', operation);
  const listed = <T>(begin: () => AsyncIterable<T>): AsyncIterable<T> => {
    wire.pass('store', 'before');
    return begin();
  };
  return {
    uri: store.uri,
    limits: { ...store.limits, ...limits },
    requests: store.requests,
    uriOf: (key) => store.uriOf(key),
    head: (key) => around(() => store.head(key)),
    get: (key) => around(() => store.get(key)),
    list: (prefix, after) => listed(() => store.list(prefix, after)),
    put: (key, bytes, options) => around(() => store.put(key, bytes, options)),
    putStream: (key, body, options) => around(() => store.putStream(key, body, options)),
    delete: (key) => around(() => store.delete(key)),
    createUpload: (key, options) => around(() => store.createUpload(key, options)),
    uploadPart: (...part) => around(() => store.uploadPart(...part)),
    streamPart: (...part) => around(() => store.streamPart(...part)),
    copyPart: (...part) => around(() => store.copyPart(...part)),
    listParts: (upload) => around(() => store.listParts(upload)),
    completeUpload: (...commit) => around(() => store.completeUpload(...commit)),
    abortUpload: (upload) => around(() => store.abortUpload(upload)),
    listUploads: (prefix) => listed(() => store.listUploads(prefix)),
    close: () => around(() => store.close()),
  };
}
