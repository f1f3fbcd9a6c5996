import { SolvusError } from "../../protocol/errors.ts";
import { findInstrument } from "../../protocol/instrument.ts";
import { tradeTagOf } from "../../protocol/trade.ts";
import { cardOf } from "../../services/desk/identity.ts";
import type { MakerConfig, MakerRules } from "../../services/desk/maker.ts";
import { isPassing } from "../../services/desk/settlement.ts";
import type { Inquiry, InquiryResult, TakerConfig } from "../../services/desk/taker.ts";
import type { DeskStage, Owner } from "./stage.ts";

/* Parties that take turns, each of which may fall at any stage of its work and start again from its record. */

/** The end of a process, in place of what would have followed. */
class Fallen extends Error {}

export interface Party {
  owner: Owner;
  /** Stages reached, in order. */
  stages: string[];
  /** Falls once, the next time it reaches this stage. */
  fallAt?: string;
  /** How often it started again. */
  restarts: number;
  /** How often it had to try again later. */
  delays: number;
}

interface Opened {
  close(): void;
}

function party<Role extends Opened>(
  owner: Owner,
  open: (onStage: (stage: string) => void) => Role,
): Party & { role: Role; guarded<T>(work: () => Promise<T>): Promise<T | undefined>; close(): void } {
  const self = {
    owner,
    stages: [] as string[],
    fallAt: undefined as string | undefined,
    restarts: 0,
    delays: 0,
    role: undefined as unknown as Role,
    /** Works; when it falls, starts again and has done nothing more. */
    async guarded<T>(work: () => Promise<T>): Promise<T | undefined> {
      try {
        return await work();
      } catch (error) {
        if (error instanceof SolvusError && isPassing(error)) {
          self.delays += 1;
          return undefined;
        }
        if (!(error instanceof Fallen)) throw error;
        self.role.close();
        self.restarts += 1;
        self.role = open(onStage);
        return undefined;
      }
    },
    close: () => self.role.close(),
  };
  const onStage = (stage: string): void => {
    self.stages.push(stage);
    if (self.fallAt !== stage) return;
    self.fallAt = undefined;
    throw new Fallen(stage);
  };
  self.role = open(onStage);
  return self;
}

export function makerParty(
  desk: DeskStage,
  owner: Owner,
  rules: Partial<MakerRules> = {},
  more: Partial<MakerConfig> = {},
) {
  const self = party(owner, (onStage) => desk.maker(owner, rules, { ...more, onStage }));
  return Object.assign(self, {
    turn: async (): Promise<void> => {
      await self.guarded(() => self.role.correspond());
      await self.guarded(() => self.role.settle());
    },
  });
}

export function takerParty(desk: DeskStage, owner: Owner, more: Partial<TakerConfig> = {}) {
  const self = party(owner, (onStage) => desk.taker(owner, { ...more, onStage }));
  return Object.assign(self, {
    /** Asks; the id is known even if it falls in the middle. */
    ask: async (inquiry: Inquiry): Promise<string> => {
      await self.guarded(() => self.role.ask(inquiry));
      return [...self.role.book.askings.keys()].at(-1) as string;
    },
  });
}

export type AnyTaker = ReturnType<typeof takerParty>;
export type AnyMaker = ReturnType<typeof makerParty>;

/** An inquiry for lots of one instrument. */
export function inquiryFor(
  desk: DeskStage,
  makers: readonly Owner[],
  name: string,
  size: bigint,
  more: Partial<Inquiry> = {},
): Inquiry {
  const { id } = findInstrument(desk.market.snapshot.instruments, name);
  const cards = makers.map(({ identity }) => cardOf(identity));
  return { makers: cards, legs: [{ id, size }], answerSeconds: 60, ...more };
}

/** Takes turns until the request is over, then lets the makers see the end. `between` runs before each round of turns. */
export async function play(
  taker: AnyTaker,
  makers: readonly AnyMaker[],
  requestId: string,
  between: (turn: number) => Promise<void> = async () => {},
): Promise<InquiryResult> {
  for (let turn = 0; turn < 60; turn++) {
    await between(turn);
    for (const maker of makers) await maker.turn();
    if (await taker.guarded(() => taker.role.step(requestId))) {
      for (const maker of makers) await maker.turn();
      return taker.role.pursue(requestId);
    }
  }
  throw new Error("the request is not over after 60 turns");
}

/** How often a conversation's trade is on the chain: transitions with its tag. */
export async function timesLanded(desk: DeskStage, taker: AnyTaker, requestId: string): Promise<number> {
  const tags = [...taker.role.book.conversations.values()]
    .filter(({ request, ticket }) => request.content.requestId === requestId && ticket !== undefined)
    .map(({ ticket }) => tradeTagOf(ticket!.package));
  const { chain } = desk.stage.deployed;
  const events = await chain.ledgerEvents(0, await chain.blockNumber());
  return events.filter((event) => event.kind === "transitioned" && tags.includes(event.tradeTag)).length;
}
