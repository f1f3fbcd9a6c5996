#!/usr/bin/env node
/**
 * Entry of the `solvus` command. Plain JavaScript that any Node from 18 runs: the rest is TypeScript, which Node runs directly from 22.18,
 * so on an older one it goes on with the Node that `npm install` put into node_modules.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major > 22 || (major === 22 && minor >= 18)) {
  await import("./solvus.ts");
} else {
  const node = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));
  const entry = fileURLToPath(new URL("./solvus.ts", import.meta.url));
  // A Ctrl-C reaches the child too, which then ends in its own time.
  process.on("SIGINT", () => {});
  const { status, error } = spawnSync(node, [entry, ...process.argv.slice(2)], { stdio: "inherit" });
  if (error)
    console.error("error: cli.node: Node is too old, expected 22.18 or later, or `npm install` done here");
  process.exitCode = error ? 2 : (status ?? 1);
}
