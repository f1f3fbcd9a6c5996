import { afterAll, beforeAll, describe } from "vitest";
import { oracleWorld } from "../support/oracleServices.ts";
import { failingSuite } from "./services/failing.ts";
import { impostorSuite, lyingSuite } from "./services/lying.ts";
import { postingSuite } from "./services/posting.ts";
import { reporterSuite } from "./services/reporter.ts";
import { present, START, source } from "./services/setting.ts";

/*
 * The oracle's services on one chain: to start one takes as long as ten epochs.
 */

beforeAll(async () => {
  present.world = await oracleWorld(source, START);
});
afterAll(() => present.world?.close());

describe("one reporter", reporterSuite);
describe("reporters and an aggregator", postingSuite);
describe("hosts that lie", lyingSuite);
describe("hosts that lie in the name of all", impostorSuite);
describe("an aggregator that fails", failingSuite);
