import { headers } from "next/headers";
import { createClient, everyRow, listItems } from "my-service-client";

import { Items } from "./items";

interface Props {
  searchParams: Promise<{
    api?: string;
    credentials?: RequestCredentials;
    sameSite?: "lax" | "none";
  }>;
}

export default async function Page({ searchParams }: Props) {
  const { api = "", credentials, sameSite } = await searchParams;
  return (
    <main>
      <h1>Items</h1>
      <p id="from-the-server">{(await listNames()).join(", ")}</p>
      <Items baseUrl={api} credentials={credentials} sameSite={sameSite} />
    </main>
  );
}

/** Calls the service from the server, with the request ID of the page. */
async function listNames(): Promise<string[]> {
  const received = await headers();
  const client = createClient({
    baseUrl: process.env.API_URL ?? "",
    requestId: () => received.get("x-request-id") ?? undefined,
  });
  const names: string[] = [];
  for await (const item of everyRow((cursor) =>
    listItems({ client, query: { cursor, limit: 2 }, cache: "no-store" }),
  )) {
    names.push(item.name);
  }
  return names;
}
