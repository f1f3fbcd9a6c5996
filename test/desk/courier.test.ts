import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import type { Book, Conversation } from "../../services/desk/book.ts";
import { makeCourier } from "../../services/desk/courier.ts";
import { ENVELOPE_BYTES } from "../../services/desk/envelope.ts";
import { identityOf } from "../../services/desk/identity.ts";
import { bindingOf, settleAll } from "../../services/desk/maker.ts";
import { type Post, postAt } from "../../services/desk/post.ts";
import { makeLog } from "../../services/log.ts";

const identity = identityOf(new Uint8Array(32).fill(7));
const scope = { chainId: 1n, ledger: `0x${"11".repeat(20)}` };
const log = makeLog("desk", { write() {} });

test("a box that never empties keeps nobody from other work", async () => {
  let reads = 0;
  const post: Post = {
    put: async () => {},
    async read() {
      reads += 1;
      return [{ id: "00", envelope: new Uint8Array(ENVELOPE_BYTES[0]) }];
    },
    remove: async () => {},
  };
  const courier = makeCourier(post, scope, identity.signing.key, log);
  const heard: unknown[] = [];
  await courier.fetch(identity.box, (message) => {
    heard.push(message);
  });
  expect({ reads, heard }).toEqual({ reads: 8, heard: [] });
});

test("what an owner signs for a relayer goes nowhere else", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url as string);
    response.writeHead(307, { location: "/elsewhere" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const post = postAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await expect(post.read(identity.box)).rejects.toMatchObject({ rule: "desk.unreachable" });
  await expect(post.remove(identity.box, ["00"])).rejects.toMatchObject({ rule: "desk.unreachable" });
  expect(asked).toHaveLength(2);
  expect(asked).not.toContain("/elsewhere");
  await new Promise((resolve) => server.close(resolve));
});

test("a maker is bound by a quote from when it is made until it is refused, has expired, or its trade has ended", () => {
  const quote = { content: { validUntil: 100 } };
  const [yes, no] = [{ content: {} }, { content: { rule: "desk.expired" } }];
  const isBound = (conversation: object, now: number): boolean =>
    bindingOf({ live: new Set([conversation as Conversation]) } as Book, now).length === 1;
  expect(isBound({}, 50)).toBe(false);
  expect(isBound({ quote }, 100)).toBe(true);
  expect(isBound({ quote }, 101)).toBe(false);
  const accepted = { quote, acceptance: yes, acceptedAt: 90 };
  expect(isBound(accepted, 200)).toBe(true);
  expect(isBound({ ...accepted, acceptedAt: 101 }, 200)).toBe(false);
  expect(isBound({ ...accepted, confirmation: yes }, 200)).toBe(true);
  expect(isBound({ ...accepted, confirmation: no }, 200)).toBe(false);
  expect(isBound({ ...accepted, confirmation: yes, end: "lapsed" }, 200)).toBe(false);
});

test("a trade that cannot be settled keeps no other from being", async () => {
  const agreed = { acceptance: {}, confirmation: { content: {} } } as Conversation;
  const [one, other, third] = [{ ...agreed }, { ...agreed }, { ...agreed }];
  const taken: Conversation[] = [];
  const settling = settleAll(
    { live: new Set([one, other, third]) },
    {
      async step(conversation) {
        taken.push(conversation);
        if (conversation === other) throw new Error("an answer of another form");
        return "waits";
      },
    },
  );
  await expect(settling).rejects.toThrow("an answer of another form");
  expect(taken).toEqual([one, other, third]);
});
