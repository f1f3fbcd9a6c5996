import { EXIT } from "./exitCode.ts";
import { main } from "./main.ts";

// A reader that has seen enough (`solvus snapshot show FILE | head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? EXIT.done : EXIT.refused);
});
process.exitCode = await main(process.argv.slice(2));
