import { Misuse } from "../protocol/errors.ts";

const TIME = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(Z|\+00:?00)?$/;

/** A moment from an option's text, ISO 8601 in UTC; misuse (`cli.time`) otherwise. */
export function momentOf(text: string, option: string): Date {
  const match = TIME.exec(text);
  const isZoned = match?.[1] !== undefined || text.length === 10;
  const date = new Date(match === null ? Number.NaN : isZoned ? text : `${text.replace(" ", "T")}Z`);
  if (Number.isNaN(date.getTime()))
    throw new Misuse(
      "cli.time",
      `${option} is ${JSON.stringify(text)}, expected a time in UTC such as 2021-01-11T05:00Z`,
    );
  return date;
}
