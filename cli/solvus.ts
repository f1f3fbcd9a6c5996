import { EXIT, failureOf } from "./exitCode.ts";
import { main } from "./main.ts";

// A reader that has seen enough (`solvus snapshot show FILE | head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? EXIT.done : EXIT.refused);
});
// What a library throws outside of any command: one line as ever, no stack.
process.on("uncaughtException", (error) => {
  const { rule, message, exitCode } = failureOf(error);
  process.stderr.write(`error: ${rule}: ${message}\n`);
  process.exit(exitCode);
});
process.exitCode = await main(process.argv.slice(2));
