import type { FastifyReply } from "fastify";
import { SolvusError } from "../../protocol/errors.ts";
import type { Log } from "../log.ts";
import type { Store } from "../store/store.ts";
import { onChange } from "./changes.ts";
import { formatEvent, HEARTBEAT } from "./eventStream.ts";
import { changeMessage, isTerminal } from "./messages.ts";
import { changesAfter, latestSequence, type SubmissionChange } from "./submissions.ts";

/** Which changes a connection is told of: those after a number, of one submission or of all. */
export interface Followed {
  id?: string;
  after: bigint;
}

/** Tells connections of changes, each of them once and in order, from wherever they left off. */
export interface ChangeStreams {
  /** Takes a connection over, of a reader at `address`. Throws `relayer.busy` when there are too many. */
  serve(reply: FastifyReply, address: string, followed: Followed): void;
  count(): number;
  /** Calls back for each change of this process's time. */
  onChange(listener: (change: SubmissionChange) => void): void;
  /** Ends all connections; their readers go on elsewhere, or later. */
  stop(): void;
}

/** Connections at once, of all readers and of one address. */
const MOST_STREAMS = 2_000;
const MOST_STREAMS_EACH = 500;
const HEARTBEAT_MS = 15_000;
/** Changes are looked for at least so often, should a sign of them be missed. */
const BEAT_MS = 2_000;
/** Changes that are read at a time. */
const PAGE = 500;
/** Bytes that a slow reader may leave unread before it has to connect again. */
const UNREAD_LIMIT = 1 << 20;

interface Follower extends Followed {
  address: string;
  /** It waits for its turn to be read to from the database, which will have what comes until then. */
  isWaiting: boolean;
  /** Changes that came while earlier ones were still being read; undefined once it is up to date. */
  missed: SubmissionChange[] | undefined;
  tell(change: SubmissionChange): void;
  end(): void;
}

/** Reads changes once for all connections. */
export async function makeChangeStreams(store: Store, log: Log): Promise<ChangeStreams> {
  const followers = new Set<Follower>();
  const listeners: ((change: SubmissionChange) => void)[] = [];
  let seen = await latestSequence(store);
  let isReading = false;
  let isStale = false;

  const read = async (): Promise<void> => {
    let page: SubmissionChange[];
    do {
      page = await changesAfter(store, seen, PAGE);
      for (const change of page) {
        seen = change.sequence;
        for (const listener of listeners) listener(change);
        for (const follower of followers) offer(follower, change);
      }
    } while (page.length === PAGE);
  };
  const wake = async (): Promise<void> => {
    isStale = true;
    if (isReading) return;
    isReading = true;
    try {
      while (isStale) {
        isStale = false;
        await read();
      }
    } catch (error) {
      // The database is away: the next beat looks again.
      log.warn({ err: error }, "changes could not be read");
    } finally {
      isReading = false;
    }
  };
  const ignore = onChange(store, wake);
  const beat = setInterval(wake, BEAT_MS);
  beat.unref();

  /** By address, the last of those that are or will be brought up to date. */
  const turns = new Map<string, Promise<void>>();

  /** Brings a connection up to date when it is its turn: an address has the database read one history at a time. */
  const inTurn = async (follower: Follower): Promise<void> => {
    const { address } = follower;
    const turn = (turns.get(address) ?? Promise.resolve())
      .then(() => (followers.has(follower) ? catchUp(follower) : undefined))
      .catch((error) => {
        log.warn({ err: error }, "changes could not be read");
        follower.end();
      });
    turns.set(address, turn);
    await turn;
    if (turns.get(address) === turn) turns.delete(address);
  };

  /** Brings a connection from where it left off to the present. */
  const catchUp = async (follower: Follower): Promise<void> => {
    follower.isWaiting = false;
    let page: SubmissionChange[];
    do {
      page = await changesAfter(store, follower.after, PAGE, follower.id);
      for (const change of page) follower.tell(change);
      // One that has gone takes nothing more, and would be read the same page again and again.
    } while (page.length === PAGE && followers.has(follower));
    const { missed } = follower;
    follower.missed = undefined;
    for (const change of missed ?? []) offer(follower, change);
  };

  return {
    serve(reply, address, followed) {
      const same = [...followers].filter((follower) => follower.address === address).length;
      if (followers.size >= MOST_STREAMS || same >= MOST_STREAMS_EACH)
        throw new SolvusError(
          "relayer.busy",
          `streams: ${followers.size} are open, expected fewer; try again later`,
        );
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
        "x-accel-buffering": "no",
      });
      raw.write(HEARTBEAT);
      const heartbeat = setInterval(() => raw.write(HEARTBEAT), HEARTBEAT_MS);
      const end = (): void => {
        clearInterval(heartbeat);
        followers.delete(follower);
        raw.end();
      };
      const follower: Follower = {
        ...followed,
        address,
        isWaiting: true,
        missed: [],
        tell(change) {
          if (change.sequence <= follower.after || raw.destroyed || raw.writableEnded) return;
          follower.after = change.sequence;
          raw.write(
            formatEvent({ id: String(change.sequence), data: JSON.stringify(changeMessage(change)) }),
          );
          const isLast = follower.id !== undefined && isTerminal(change.state);
          if (isLast) end();
          else if (raw.writableLength > UNREAD_LIMIT) {
            end();
            // What it does not read would be kept for as long as it likes.
            raw.destroy();
          }
        },
        end,
      };
      followers.add(follower);
      raw.on("close", end);
      raw.on("error", end);
      // A reader who left before this does not leave again.
      if (raw.destroyed) {
        end();
        return;
      }
      void inTurn(follower);
    },
    count: () => followers.size,
    onChange: (listener) => void listeners.push(listener),
    stop() {
      ignore();
      clearInterval(beat);
      for (const follower of followers) follower.end();
    },
  };
}

function offer(follower: Follower, change: SubmissionChange): void {
  if (follower.isWaiting || (follower.id !== undefined && follower.id !== change.id)) return;
  if (follower.missed !== undefined) follower.missed.push(change);
  else follower.tell(change);
}
