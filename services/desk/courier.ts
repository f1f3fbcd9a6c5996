import { SolvusError } from "../../protocol/errors.ts";
import type { Log } from "../log.ts";
import { type DeskScope, openEnvelope, sealEnvelope } from "./envelope.ts";
import type { Box, BoxAddress } from "./identity.ts";
import { type Heard, hear, spokenForm } from "./message.ts";
import type { Post } from "./post.ts";

/*
 * Brings messages to mailboxes and fetches one's own. What could not be delivered is tried again; what was fetched stays with the relayer
 * until it was dealt with.
 */

export interface Courier {
  /** Sends a message as soon as the relayer takes it, if that is before `until`, Unix seconds of the chain. */
  send(to: BoxAddress, message: Heard, until: number): void;
  /** Tries to deliver what waits. */
  deliver(chainTime: number): Promise<void>;
  /**
   * Hands over each message of a box that is for this speaker and truly signed, and removes it (and all else) from the mailbox. Ends after some
   * reads though there be more: the next time goes on, and whoever fills the box keeps nobody from other work.
   */
  fetch(box: Box, deal: (message: Heard) => Promise<void> | void): Promise<void>;
}

/** Reads of a box in a row: as many as a full one takes. */
const MOST_READS = 8;

interface Waiting {
  to: BoxAddress;
  message: Heard;
  until: number;
}

/** A courier for the one with this signing key. */
export function makeCourier(post: Post, scope: DeskScope, speaker: string, log: Log): Courier {
  let waiting: Waiting[] = [];

  /** Whether a message needs no further attempt, is to be tried later, or nothing can be delivered at all. */
  const deliverOne = async ({ to, message }: Waiting): Promise<"done" | "later" | "away"> => {
    try {
      await post.put(to.mailbox, await sealEnvelope(to, scope, spokenForm(message)));
      return "done";
    } catch (error) {
      if (!(error instanceof SolvusError)) throw error;
      log.warn({ rule: error.rule }, "message not delivered");
      // Nobody can be written to under such a key.
      if (error.rule === "desk.key") return "done";
      return error.rule === "desk.unreachable" ? "away" : "later";
    }
  };

  const understand = async (box: Box, envelope: Uint8Array): Promise<Heard | undefined> => {
    try {
      return hear(await openEnvelope(box, scope, envelope), speaker, scope);
    } catch (error) {
      if (!(error instanceof SolvusError)) throw error;
      log.warn({ rule: error.rule }, "envelope thrown away");
      return undefined;
    }
  };

  return {
    send(to, message, until) {
      if (waiting.some((one) => one.message.hash === message.hash)) return;
      waiting.push({ to, message, until });
    },
    async deliver(chainTime) {
      waiting = waiting.filter(({ until }) => until >= chainTime);
      for (const one of [...waiting]) {
        const outcome = await deliverOne(one);
        if (outcome === "away") return;
        if (outcome === "done") waiting = waiting.filter((other) => other !== one);
      }
    },
    async fetch(box, deal) {
      for (let reads = 0; reads < MOST_READS; reads++) {
        const envelopes = await post.read(box);
        if (envelopes.length === 0) return;
        for (const { envelope } of envelopes) {
          const message = await understand(box, envelope);
          if (message !== undefined) await deal(message);
        }
        await post.remove(
          box,
          envelopes.map(({ id }) => id),
        );
      }
    },
  };
}
