import { Misuse } from "../protocol/errors.ts";
import { readText } from "../services/files.ts";

/** First line of a secret's file or an environment variable; misuse (`cli.secret`) when there is neither. Secrets never come from argv. */
export function secretFrom(file: string | undefined, option: string, variable: string): string {
  const text = file === undefined ? process.env[variable] : readText(file, option);
  const secret = text?.split(/\r?\n/)[0];
  if (secret === undefined || secret === "")
    throw new Misuse("cli.secret", `${option} is absent or empty, expected a file, or ${variable} to be set`);
  return secret;
}
