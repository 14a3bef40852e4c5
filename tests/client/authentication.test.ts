import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { type ApiError, ApiFailure, type Config, createClient, live, signIn } from "./index";

/** A client whose requests get one response, and what it does. */
function clientFor(response: Response, config: Partial<Config> = {}) {
  const requests: Request[] = [];
  const client = createClient({
    baseUrl: "http://api.example",
    fetch: async (address, init) => {
      requests.push(new Request(address, init));
      return response.clone();
    },
    ...config,
  });
  return { client, requests };
}

function problem(code: string, status: number): Response {
  return Response.json({ code, status, detail: "", request_id: "" }, { status });
}

/** The codes of the errors with which `onUnauthorized` is called, before `call` returns. */
async function codesOf(response: Response): Promise<string[]> {
  const codes: string[] = [];
  const onUnauthorized = async (error: ApiError) => {
    await setImmediate();
    codes.push(error.code);
  };
  const { client } = clientFor(response, { onUnauthorized });
  await live({ client });
  if (!response.ok) {
    await assert.rejects(live({ client, throwOnError: true }), ApiFailure);
  }
  return codes;
}

test("onUnauthorized is called before an error is returned or thrown", async () => {
  assert.deepEqual(await codesOf(problem("unauthorized", 401)), ["unauthorized", "unauthorized"]);
  const gateway = new Response("<html>", { status: 401 });
  assert.deepEqual(await codesOf(gateway), ["unreadable", "unreadable"]);
});

test("onUnauthorized is not called for other responses", async () => {
  assert.deepEqual(await codesOf(problem("insufficient_scope", 403)), []);
  assert.deepEqual(await codesOf(new Response(null, { status: 204 })), []);
});

test("what onUnauthorized throws replaces the result", async () => {
  const onUnauthorized = () => {
    throw new Error("redirect");
  };
  const { client } = clientFor(problem("unauthorized", 401), { onUnauthorized });
  await assert.rejects(live({ client }), { message: "redirect" });
});

test("cookies are sent to other origins, unless the client says otherwise", async () => {
  const body = { email: "ada@example.com", password: "correct horse" };
  const included = clientFor(new Response(null, { status: 204 }));
  await signIn({ ...included, body });
  assert.equal(included.requests[0]?.credentials, "include");
  const omitted = clientFor(new Response(null, { status: 204 }), { credentials: "omit" });
  await signIn({ ...omitted, body });
  assert.equal(omitted.requests[0]?.credentials, "omit");
});
