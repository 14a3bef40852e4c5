/** Reads a stream of events: https://html.spec.whatwg.org/multipage/server-sent-events.html */

/** The data of each event, read as JSON where it is JSON. */
export async function* eventsIn(response: Response): AsyncGenerator<unknown> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      const events = (text + part.value).replaceAll("\r\n", "\n").split("\n\n");
      // The last one is not complete yet.
      text = events.pop() ?? "";
      yield* events.flatMap(dataOf);
    }
  } finally {
    // Close the connection when the caller stops iterating.
    await reader?.cancel();
  }
}

function dataOf(event: string): unknown[] {
  const lines = event.split("\n").filter((line) => line.startsWith("data:"));
  const data = lines.map((line) => line.slice("data:".length).replace(/^ /, "")).join("\n");
  try {
    return [JSON.parse(data)];
  } catch {
    return lines.length ? [data] : [];
  }
}
