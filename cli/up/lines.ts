import type { Readable } from "node:stream";

/** Longest line that is passed on; what is beyond it is cut. */
const LONGEST = 4_000;

/** Calls `onLine` with each line of a stream, without its end; a last line without an end too. */
export function eachLine(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = `${rest}${text}`.split(/\r?\n/);
    rest = (lines.pop() as string).slice(0, LONGEST);
    for (const line of lines) onLine(line.slice(0, LONGEST));
  });
  stream.on("end", () => {
    if (rest !== "") onLine(rest);
    rest = "";
  });
}
