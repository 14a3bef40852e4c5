import assert from "node:assert/strict";
import { test } from "node:test";

import {
  type Config,
  ApiFailure,
  createClient,
  events,
  everyRow,
  file,
  form,
  getItem,
  listItems,
  live,
  search,
  upload,
} from "./index";

const PROBLEM = { ...problem("not_found", 404), detail: "Not there.", request_id: "abc" };

/** A client with a stubbed `fetch`, and the requests that it receives. */
function clientFor(respond: () => Response | Promise<Response>, config: Partial<Config> = {}) {
  const requests: Request[] = [];
  const client = createClient({
    baseUrl: "http://api.example",
    fetch: async (address, init) => {
      requests.push(new Request(address, init));
      return respond();
    },
    ...config,
  });
  return { client, requests };
}

function problem(code: string, status: number) {
  return { type: "about:blank", title: "", status, instance: "", code };
}

function json(value: unknown, status = 200): Response {
  return Response.json(value, { status, headers: { "X-Request-ID": "header" } });
}

test("parameters are sent in the path, query and headers", async () => {
  const { client, requests } = clientFor(() => json([]));
  await getItem({ client, path: { item_id: "a/b ?" } });
  await listItems({ client, query: { limit: 2, cursor: null } });
  await search({ client, query: { tags: ["a", "b&c"] }, headers: { "x-token": "t" } });
  assert.deepEqual(
    requests.map((request) => request.url),
    [
      "http://api.example/api/v1/items/a%2Fb%20%3F",
      "http://api.example/api/v1/items?limit=2",
      "http://api.example/search?tags=a&tags=b%26c",
    ],
  );
  assert.equal(requests[2]?.headers.get("x-token"), "t");
});

test("the configuration applies to every request", async () => {
  const { client, requests } = clientFor(() => json({}), {
    baseUrl: "http://api.example/",
    credentials: "include",
    headers: async () => ({ Authorization: "Bearer t" }),
    requestId: () => "page",
  });
  await live({ client });
  const [request] = requests;
  assert.equal(request?.url, "http://api.example/health/live");
  assert.equal(request.credentials, "include");
  assert.equal(request.headers.get("Authorization"), "Bearer t");
  assert.equal(request.headers.get("X-Request-ID"), "page");
});

test("bodies are encoded by their content type", async () => {
  const { client, requests } = clientFor(() => json(""));
  await upload({ client, body: { file: new Blob(["bytes"]), note: "n" } });
  await form({ client, body: { a: "x y", b: [1, 2] } });
  const sent = await requests[0]?.formData();
  assert.equal(await (sent?.get("file") as File).text(), "bytes");
  assert.equal(sent?.get("note"), "n");
  assert.equal(requests[1]?.headers.get("Content-Type"), "application/x-www-form-urlencoded");
  assert.equal(await requests[1].text(), "a=x+y&b=1&b=2");
});

test("responses are parsed by their content type", async () => {
  const text = clientFor(() => new Response("text", { headers: { "Content-Type": "text/csv" } }));
  assert.equal((await file(text)).data, "text");
  const bytes = clientFor(
    () => new Response("bytes", { headers: { "Content-Type": "image/png" } }),
  );
  assert.ok((await file(bytes)).data instanceof Blob);
  const empty = clientFor(() => new Response(null, { status: 204 }));
  assert.equal((await live(empty)).data, undefined);
});

test("an error has the code and message of the service", async () => {
  const { error, response } = await live(clientFor(() => json(PROBLEM, 404)));
  assert.deepEqual(error, {
    code: "not_found",
    status: 404,
    message: "Not there.",
    requestId: "abc",
    fields: [],
  });
  assert.equal(response?.status, 404);
});

test("an error is thrown with throwOnError", async () => {
  const { client } = clientFor(() => json(PROBLEM, 404));
  await assert.rejects(live({ client, throwOnError: true }), (failure) => {
    assert.ok(failure instanceof ApiFailure);
    assert.equal(failure.error.code, "not_found");
    return true;
  });
});

test("a response of a gateway is unreadable", async () => {
  const bodies = ["<html>", "null", "[]", '"text"', '{"error": null}', '{"code": "x"}'];
  for (const body of bodies) {
    const gateway = () => new Response(body, { status: 502, headers: { "X-Request-ID": "r" } });
    const { error } = await live(clientFor(gateway));
    assert.equal(error?.code, "unreadable", body);
    assert.equal(error.status, 502);
    assert.equal(error.requestId, "r");
  }
  const broken = () => new Response("{", { headers: { "Content-Type": "application/json" } });
  assert.equal((await live(clientFor(broken))).error?.code, "unreadable");
});

test("a request without a response is unreachable, and an abort is thrown", async () => {
  const failed = clientFor(() => Promise.reject(new TypeError("fetch failed")));
  const { error } = await live(failed);
  assert.equal(error?.code, "unreachable");
  assert.equal(String(error?.cause), "TypeError: fetch failed");
  const aborted = clientFor(() => Promise.reject(new DOMException("", "AbortError")));
  await assert.rejects(live(aborted), { name: "AbortError" });
});

test("everyRow reads all pages", async () => {
  const pages = [
    { items: [{ name: "a" }, { name: "b" }], next_cursor: "c".repeat(22) },
    { items: [{ name: "c" }], next_cursor: null },
  ];
  const { client, requests } = clientFor(() => json(pages[requests.length - 1]));
  const names: string[] = [];
  for await (const item of everyRow((cursor) => listItems({ client, query: { cursor } }))) {
    names.push(item.name);
  }
  assert.deepEqual(names, ["a", "b", "c"]);
  assert.match(requests[1]?.url ?? "", /\?cursor=c{22}$/);

  const failing = clientFor(() => json(PROBLEM, 404));
  await assert.rejects(everyRow(() => listItems(failing)).next(), ApiFailure);
});

test("events are parsed across chunks", async () => {
  const text = 'event: x\r\ndata: {"a": 1}\r\n\r\n: comment\n\ndata: one\ndata: two\n\ndata: 3';
  const chunks = [text.slice(0, 20), text.slice(20, 33), text.slice(33)];
  const body = ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk)));
  const headers = { "Content-Type": "text/event-stream" };
  const { stream } = await events(clientFor(() => new Response(body, { headers })));
  const received: unknown[] = [];
  for await (const event of stream) {
    received.push(event);
  }
  // The last event is incomplete.
  assert.deepEqual(received, [{ a: 1 }, "one\ntwo"]);
  await assert.rejects(events(clientFor(() => json(PROBLEM, 404))), ApiFailure);
});
