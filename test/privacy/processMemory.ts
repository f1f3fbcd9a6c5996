import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";

/*
 * What a core dump of a running process would hold: its writable memory, read through /proc. Linux lets the same user, or root, do so.
 */

const CHUNK = 1 << 20;
/** What lies across two chunks is found as well. */
const OVERLAP = 256;

/** Processes by their command lines, those below a process included. */
export function processesWith(text: string): { pid: number; command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
        return command.includes(text) ? [{ pid: Number(name), command }] : [];
      } catch {
        return [];
      }
    });
}

/** Searches a process's writable memory. Returns what `search` found anywhere, and how many bytes were read. */
export function searchMemory(
  pid: number,
  search: (bytes: Uint8Array) => string[],
): { found: string[]; bytes: number } {
  const regions = readFileSync(`/proc/${pid}/maps`, "utf8")
    .split("\n")
    .flatMap((line) => {
      const [, from, to, mode, name] = line.match(/^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)$/) ?? [];
      const isData = mode?.startsWith("rw") && !/^\[(vvar|vsyscall|vdso)/.test(name ?? "");
      return isData ? [{ from: Number(`0x${from}`), to: Number(`0x${to}`) }] : [];
    });
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const found = new Set<string>();
  const buffer = Buffer.alloc(CHUNK + OVERLAP);
  const untouched = Buffer.alloc(CHUNK + OVERLAP);
  let bytes = 0;
  try {
    for (const { from, to } of regions) {
      for (let at = from; at < to; at += CHUNK) {
        let count = 0;
        try {
          count = readSync(memory, buffer, 0, Math.min(CHUNK + OVERLAP, to - at), at);
        } catch {
          // Memory that was given back meanwhile, or of a device.
          continue;
        }
        const part = buffer.subarray(0, count);
        if (part.equals(untouched.subarray(0, count))) continue;
        bytes += count;
        for (const name of search(part)) found.add(name);
      }
    }
  } finally {
    closeSync(memory);
  }
  return { found: [...found], bytes };
}
