/** Sends requests to the service. What goes with all of them is said once, to `createClient`. */

import { type ApiError, ApiFailure, readError, unreachable, unreadable } from "./errors";
import { eventsIn } from "./events";

export interface Config {
  /** Where the service is, such as `https://api.example.com`; empty for the page's own origin. */
  baseUrl: string;
  /** `include` sends cookies to other origins too. */
  credentials?: RequestCredentials;
  /** The id of what this request is made for, by which the logs of both are found together. */
  requestId?: () => string | undefined | Promise<string | undefined>;
  /** More headers, such as `Authorization`. */
  headers?: () => HeadersInit | Promise<HeadersInit>;
  /** What sends it, if it is not the global `fetch`. */
  fetch?: typeof fetch;
}

/** An answer: `data` or `error`, and never both. */
export type Answer<Data> = Success<Data> | Failure;

export interface Success<Data> {
  data: Data;
  error?: undefined;
  response: Response;
}

export interface Failure {
  data?: undefined;
  error: ApiError;
  /** Missing if there was no answer. */
  response?: Response;
}

export interface Client extends Record<Method, Call> {
  /** Streams of events; an error is thrown as an `ApiFailure`. */
  sse: Record<Method, Listen>;
}

type Method = (typeof METHODS)[number];

type Call = <Responses, Errors = unknown, ThrowOnError extends boolean = false>(
  options: RequestOptions,
) => RequestResult<Responses, Errors, ThrowOnError>;

type Listen = <Responses, Errors = unknown, ThrowOnError extends boolean = false>(
  options: RequestOptions,
) => Promise<ServerSentEventsResult<Responses>>;

// The names of these types are those that the generated functions import.
export type RequestResult<Responses, _Errors, ThrowOnError extends boolean> = Promise<
  ThrowOnError extends true
    ? Success<Responses[keyof Responses]>
    : Answer<Responses[keyof Responses]>
>;

export interface ServerSentEventsResult<Responses> {
  stream: AsyncGenerator<Responses[keyof Responses]>;
}

export interface TDataShape {
  body?: unknown;
  headers?: unknown;
  path?: unknown;
  query?: unknown;
  url: string;
}

export interface ClientMeta {}

type Init = Omit<RequestInit, "body" | "headers" | "method">;

export type Options<
  Data extends TDataShape = TDataShape,
  ThrowOnError extends boolean = boolean,
  _Response = unknown,
> = Init &
  Omit<Data, "url"> & {
    headers?: Record<string, unknown>;
    /** Throw an `ApiFailure` instead of returning an error. */
    throwOnError?: ThrowOnError;
  };

interface RequestOptions extends Options {
  url: string;
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  /** What turns the body into what is sent; null if it can be sent as it is. */
  bodySerializer?: ((body: unknown) => BodyInit) | null;
  client?: Client;
  meta?: unknown;
  security?: unknown;
}

/** A client, which every function of the service takes. */
export function createClient(config: Config): Client {
  const call = async (method: Method, options: RequestOptions) => {
    const answer = await send(config, method.toUpperCase(), options);
    if (answer.error && options.throwOnError) {
      throw new ApiFailure(answer.error);
    }
    return answer;
  };
  const listen = async (method: Method, options: RequestOptions) => {
    const { data } = await call(method, { ...options, throwOnError: true });
    return { stream: data };
  };
  return { ...each<Call>(call), sse: each<Listen>(listen) };
}

const METHODS = ["delete", "get", "head", "options", "patch", "post", "put", "trace"] as const;

/** What a function does for each method, with the types that an operation gives to it. */
function each<Kind>(act: (method: Method, options: RequestOptions) => unknown) {
  const entries = METHODS.map((method) => [method, act.bind(undefined, method)]);
  return Object.fromEntries(entries) as Record<Method, Kind>;
}

async function send(
  config: Config,
  method: string,
  options: RequestOptions,
): Promise<Answer<unknown>> {
  const request: RequestInit = {
    credentials: config.credentials,
    ...options,
    method,
    headers: await headersOf(config, options.headers),
    body: bodyOf(options),
  };
  let response: Response | undefined;
  try {
    response = await (config.fetch ?? fetch)(addressOf(config.baseUrl, options), request);
    return response.ok
      ? { data: await dataOf(response), response }
      : { error: await readError(response), response };
  } catch (failure) {
    if (failure instanceof SyntaxError && response) {
      return { error: unreadable(response), response };
    }
    // Whatever else is thrown is for whoever has aborted the request, or for the framework.
    if (!(failure instanceof TypeError)) {
      throw failure;
    }
    return { error: unreachable(), response };
  }
}

async function headersOf(config: Config, own: Record<string, unknown> = {}): Promise<Headers> {
  const headers = new Headers(await config.headers?.());
  const requestId = await config.requestId?.();
  for (const [name, value] of Object.entries({ "X-Request-ID": requestId, ...own })) {
    if (value !== undefined && value !== null) {
      headers.set(name, String(value));
    }
  }
  return headers;
}

function addressOf(baseUrl: string, { url, path = {}, query = {} }: RequestOptions): string {
  const filled = url.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(path[name])),
  );
  const search = new URLSearchParams();
  append(search, query);
  return `${baseUrl.replace(/\/$/, "")}${filled}${search.size ? `?${search}` : ""}`;
}

/** Add the fields of an object; a list several times, and what is missing not at all. */
function append(target: URLSearchParams | FormData, fields: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields)) {
    for (const each of [value].flat()) {
      if (each instanceof Blob && target instanceof FormData) {
        target.append(name, each);
      } else if (each !== undefined && each !== null) {
        target.append(name, String(each));
      }
    }
  }
}

function bodyOf({ body, bodySerializer = JSON.stringify }: RequestOptions): BodyInit | undefined {
  if (body === undefined) {
    return undefined;
  }
  return bodySerializer ? bodySerializer(body) : (body as BodyInit);
}

export const formDataBodySerializer = {
  bodySerializer(body: unknown): FormData {
    const form = new FormData();
    append(form, body as Record<string, unknown>);
    return form;
  },
};

export const urlSearchParamsBodySerializer = {
  bodySerializer(body: unknown): URLSearchParams {
    const form = new URLSearchParams();
    append(form, body as Record<string, unknown>);
    return form;
  },
};

async function dataOf(response: Response): Promise<unknown> {
  if (response.status === 204) {
    return undefined;
  }
  const type = response.headers.get("Content-Type") ?? "";
  if (type.includes("json")) {
    return response.json();
  }
  if (type.startsWith("text/event-stream")) {
    return eventsIn(response);
  }
  return type.startsWith("text/") ? response.text() : response.blob();
}
