import { readdir, readFile, readlink } from 'node:fs/promises';
import type { Socket } from 'node:net';

/**
 * Ends the process at the other end of a loopback connection with SIGKILL: what a worker looks like from outside when it
 * runs out of memory. Linux only. Throws when nobody is found.
 */
export async function killPeer(socket: Socket): Promise<number> {
  const inode = await inodeOf(socket.remotePort ?? 0, socket.localPort ?? 0);
  const pid = inode === undefined ? undefined : await ownerOf(inode);
  if (pid === undefined || pid === process.pid) throw new Error(`no process is found behind port ${socket.remotePort}`);
  process.kill(pid, 'SIGKILL');
  return pid;
}

async function inodeOf(localPort: number, remotePort: number): Promise<string | undefined> {
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (await readFile(table, 'utf8').catch(() => '')).split('\n')) {
      const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
      if (portOf(local) === localPort && portOf(remote) === remotePort) return inode;
    }
  }
  return undefined;
}

function portOf(address: string | undefined): number {
  return Number.parseInt(address?.split(':').at(-1) ?? '', 16);
}

async function ownerOf(inode: string): Promise<number | undefined> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const handle of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${handle}`).catch(() => '');
      if (target === `socket:[${inode}]`) return Number(pid);
    }
  }
  return undefined;
}
