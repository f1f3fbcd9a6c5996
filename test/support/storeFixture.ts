import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Log } from "../../services/log.ts";
import { makeLog } from "../../services/log.ts";
import { openStore, type Store } from "../../services/store/store.ts";

/*
 * Embedded stores for tests. Making one takes seconds, so an empty one is made once a machine and copied from then on.
 */

/** A data directory with an empty embedded store. Remove it at the end. */
export async function emptyDataDirectory(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "solvus-store-"));
  cpSync(await template(), directory, { recursive: true });
  return directory;
}

/** An embedded store in a directory of its own, which goes with it. */
export async function temporaryStore(log: Log = quietLog()): Promise<Store> {
  const directory = await emptyDataDirectory();
  const store = await openStore({ dataDirectory: directory }, log);
  return {
    ...store,
    async close() {
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A log that nobody reads. */
export function quietLog(): Log {
  return makeLog("test", { write: () => undefined });
}

/** What the content of an empty store depends on. */
function templateName(): string {
  const require = createRequire(import.meta.url);
  const hash = createHash("sha256").update(userInfo().username);
  for (const name of ["@electric-sql/pglite", "pg-boss"]) hash.update(readFileSync(require.resolve(name)));
  for (const name of ["migrations.ts", "store.ts", "embedded.ts"])
    hash.update(readFileSync(new URL(`../../services/store/${name}`, import.meta.url)));
  return `solvus-store-template-${hash.digest("hex").slice(0, 16)}`;
}

async function template(): Promise<string> {
  const path = join(tmpdir(), templateName());
  if (existsSync(path)) return path;
  const fresh = mkdtempSync(join(tmpdir(), "solvus-store-new-"));
  await (await openStore({ dataDirectory: fresh }, quietLog())).close();
  try {
    renameSync(fresh, path);
  } catch {
    // Another test was faster.
    rmSync(fresh, { recursive: true, force: true });
  }
  return path;
}
