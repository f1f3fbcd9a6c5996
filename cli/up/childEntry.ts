/**
 * Entry of the processes that `solvus up` starts: the `solvus` command, which ends when the process that started it does, however that
 * ended.
 */
const OVERDUE_MS = 40_000;

process.on("disconnect", () => {
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.exit(1), OVERDUE_MS).unref();
});
// The channel to the parent tells of its end and keeps nothing alive.
process.channel?.unref();
await import("../solvus.ts");
