#!/usr/bin/env node
/**
 * Entry of the `solvus` command. Plain JavaScript that any Node from 18 runs: the rest is TypeScript, which Node runs directly from 22.18,
 * so on an older one it goes on with the Node that `npm install` put into node_modules.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major > 22 || (major === 22 && minor >= 18)) {
  await import("./solvus.ts");
} else {
  const node = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));
  const entry = fileURLToPath(new URL("./solvus.ts", import.meta.url));
  const child = spawn(node, [entry, ...process.argv.slice(2)], { stdio: "inherit" });
  // Whoever asks this process to end means the command; it ends in its own time, and this process after it.
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => child.kill(name));
  child.on("error", () => {
    console.error("error: cli.node: Node is too old, expected 22.18 or later, or `npm install` done here");
    process.exitCode = 2;
  });
  child.on("exit", (status) => {
    process.exitCode = status ?? 1;
  });
}
