import { styleText } from "node:util";
import { prettyFactory } from "pino-pretty";
import { plain } from "../plainText.ts";

/** Makes the lines of several services readable: JSON lines of pino become text, and every line begins with the service's name. */
export type ReadableLog = (service: string, line: string) => string;

const COLOURS = ["cyan", "green", "magenta", "yellow", "blue", "red"] as const;

/** JSON whose strings keep their escapes when they are read: what others had put into a log must not reach a terminal as it is. */
const escaped = (json: string): string =>
  plain(json).replace(/\\(u[0-9a-fA-F]{4}|.)/g, (pair, rest: string) =>
    rest.startsWith("u") ? `\\\\${rest}` : pair,
  );

/** A {@link ReadableLog} whose names are `width` wide; `colour` for terminals. */
export function readableLog(width: number, colour: boolean): ReadableLog {
  const pretty = prettyFactory({
    colorize: colour,
    ignore: "pid,hostname,name",
    translateTime: "SYS:HH:MM:ss",
    singleLine: true,
  });
  const known: string[] = [];
  const prefix = (service: string): string => {
    if (!known.includes(service)) known.push(service);
    const text = `${service.padEnd(width)} |`;
    return colour ? styleText(COLOURS[known.indexOf(service) % COLOURS.length] as "cyan", text) : text;
  };
  return (service, line) => {
    const text = line.startsWith("{") ? pretty(escaped(line)).trimEnd() : plain(line);
    return text
      .split("\n")
      .map((part) => `${prefix(service)} ${part}`)
      .join("\n");
  };
}
