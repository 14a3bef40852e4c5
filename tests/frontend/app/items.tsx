"use client";

import {
  type ApiError,
  type ItemRead,
  createClient,
  createItem,
  greetVisitor,
  listItems,
  messageAt,
  welcomeVisitor,
  crash,
} from "my-service-client";
import { type FormEvent, useMemo, useState } from "react";

import { explain } from "./explain";

interface Props {
  baseUrl: string;
  credentials?: RequestCredentials;
  sameSite?: "lax" | "none";
}

/** The items of the service, read and written by the browser. */
export function Items({ baseUrl, credentials, sameSite }: Props) {
  const client = useMemo(() => createClient({ baseUrl, credentials }), [baseUrl, credentials]);
  const [items, setItems] = useState<ItemRead[]>([]);
  const [error, setError] = useState<ApiError>();
  const [visitor, setVisitor] = useState("");

  async function refresh() {
    const result = await listItems({ client });
    setError(result.error);
    setItems(result.data?.items ?? []);
  }

  async function add(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const body = { name: String(form.get("name")), description: String(form.get("description")) };
    const created = await createItem({ client, body });
    setError(created.error);
    if (created.data) {
      setItems([created.data, ...items]);
    }
  }

  async function fail() {
    setError((await crash({ client })).error);
  }

  async function welcome() {
    const result = await welcomeVisitor({ client, query: { same_site: sameSite } });
    setError(result.error);
    setVisitor(result.error ? "" : "welcome");
  }

  async function greet() {
    const result = await greetVisitor({ client });
    setError(result.error);
    setVisitor(result.data?.visitor ?? "nobody");
  }

  return (
    <>
      <form onSubmit={add}>
        <Field name="name" error={error} />
        <Field name="description" error={error} />
        <button>Add</button>
      </form>
      <p>
        <button onClick={refresh}>Refresh</button> <button onClick={fail}>Fail</button>{" "}
        <button onClick={welcome}>Welcome</button> <button onClick={greet}>Greet</button>{" "}
        <output id="visitor">{visitor}</output>
      </p>
      {error && (
        <p role="alert" data-code={error.code} data-status={error.status}>
          {explain(error)} <small>{error.requestId}</small>
        </p>
      )}
      <ul>
        {items.map((item) => (
          <li key={item.id}>{item.name}</li>
        ))}
      </ul>
    </>
  );
}

function Field({ name, error }: { name: string; error?: ApiError }) {
  const message = messageAt(error, `/${name}`);
  return (
    <p>
      <label>
        {name} <input name={name} aria-invalid={message !== undefined} />
      </label>{" "}
      {message && <em id={`${name}-error`}>{message}</em>}
    </p>
  );
}
