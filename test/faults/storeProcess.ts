import { openStore } from "../../services/store/store.ts";
import { type Death, runService } from "../support/processes.ts";
import { silentLog } from "./stage.ts";

/** The process began to count. */
export interface Tally {
  started: true;
}

/** Counts into a data directory and says each number (stage `said`) once it is kept. */
runService<{ directory: string; death?: Death }, Tally>(async ({ directory }, onStage) => {
  const store = await openStore({ dataDirectory: directory }, silentLog());
  await store.query("CREATE TABLE tally (number integer PRIMARY KEY)");
  void (async () => {
    for (let number = 0; ; number++) {
      await store.query("INSERT INTO tally (number) VALUES ($1)", [number]);
      await onStage("said");
    }
  })();
  return { ready: { started: true }, stop: () => store.close() };
});
