/**
 * Says which Node is too old, or that none runs this copy, and what to call instead. Plain JavaScript without newer syntax, because it has to run on
 * the very versions it refuses: undici 8 needs 22.19, and the sources are TypeScript that Node runs as it is (22.18, 23.6).
 */
const PROJECT = new URL('..', import.meta.url).pathname;

/** What to tell the user of Node `found`, or undefined when it is new enough. */
export function refuseOldNode(found, command) {
  const [major = 0, minor = 0] = found.split('.').map(Number);
  const isEnough = major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 19);
  if (isEnough) return undefined;
  return [
    `skyhaul: this is Node ${found}; Skyhaul needs Node 22.19 or newer.`,
    `  ${PROJECT} brings its own Node 24 (after \`npm ci\`). There, call:`,
    ...command.map((line) => `    ${line}`),
  ].join('\n');
}

/** What to tell the user of a copy that no Node runs; `url` is that of one of its files, links followed. */
export function refuseCopy(url) {
  if (!url.includes('/node_modules/')) return undefined;
  return [
    'skyhaul: this copy lies in node_modules, where Node runs no TypeScript.',
    '  Install the folder of a clone instead, which npm links: `npm ci` in it, then `npm install <that folder>`.',
  ].join('\n');
}

/** Ends the process with exit code 2 when its Node is too old, or does not run this copy. */
export function checkNode(command) {
  const refusal = refuseOldNode(process.versions.node, command) ?? refuseCopy(import.meta.url);
  if (refusal === undefined) return;
  console.error(refusal);
  process.exit(2);
}
