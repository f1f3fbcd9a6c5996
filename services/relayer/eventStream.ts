/** An event of a server-sent stream: its `id` (for `Last-Event-ID`) and data. */
export interface StreamEvent {
  id: string;
  data: string;
}

/** The text of an event whose data is one line. */
export function formatEvent({ id, data }: StreamEvent): string {
  return `id: ${id}\ndata: ${data}\n\n`;
}

/** A comment: keeps a connection alive and means nothing. */
export const HEARTBEAT = ":\n\n";

/** Most characters of an event that is not complete: a server that sends more without an end is not one of ours. */
const EVENT_LIMIT = 65_536;

/** Events of a response's body, and undefined for each chunk that completes none, by which a reader sees that the server lives. */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<StreamEvent | undefined, void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() as string;
    if (text.length > EVENT_LIMIT) return;
    const events = blocks.flatMap((block) => eventOf(block) ?? []);
    if (events.length === 0) yield undefined;
    yield* events;
  }
}

function eventOf(block: string): StreamEvent | undefined {
  const fields = block.split("\n").filter((line) => !line.startsWith(":"));
  const field = (name: string): string | undefined =>
    fields
      .find((line) => line.startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trimStart();
  const [id, data] = [field("id"), field("data")];
  return id === undefined || data === undefined ? undefined : { id, data };
}
