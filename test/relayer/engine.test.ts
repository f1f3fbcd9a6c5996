import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { fund } from "../support/ledgerItems.ts";
import { batchingCases } from "./batchingCases.ts";
import { insertionCases } from "./insertionCases.ts";
import { type RelayerStage, relayerStage } from "./relayerStage.ts";
import { sendingCases } from "./sendingCases.ts";
import { sharedStoreCases } from "./sharedStoreCases.ts";

/* A relayer's engine, on an embedded store and on a shared one, and one chain for all cases. */

let stage: RelayerStage;

beforeAll(async () => {
  stage = await relayerStage();
  await fund(stage.fixture, 1_000_000n);
});
afterEach(async () => {
  stage.rpc.setFaults();
  await stage.rest();
});
afterAll(() => stage.close());

// The tree first: a case of batching takes over a note that was never in it.
describe("the tree:", () => insertionCases(() => stage));
describe("a shared store:", () => sharedStoreCases(() => stage));
describe("batching:", () => batchingCases(() => stage));
describe("sending:", () => sendingCases(() => stage));
