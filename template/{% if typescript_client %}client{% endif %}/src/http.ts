/** Sends requests to the service. `createClient` takes the options that apply to every request. */

import { type ApiError, ApiFailure, readError, unreachable, unreadable } from "./errors";
import { eventsIn } from "./events";

export interface Config {
  /** The URL of the service, such as `https://api.example.com`; empty for the page's own origin. */
  baseUrl: string;
  /** `include` sends cookies to other origins too. */
  credentials?: RequestCredentials;
  /** The `X-Request-ID` to send, such as that of the page being rendered, to correlate the logs. */
  requestId?: () => string | undefined | Promise<string | undefined>;
  /** Additional headers, such as `Authorization`. */
  headers?: () => HeadersInit | Promise<HeadersInit>;
  /** Replaces the global `fetch`. */
  fetch?: typeof fetch;
}

/** Either `data` or `error`. */
export type Result<Data> = Success<Data> | Failure;

/** @deprecated Use `Result`. */
export type Answer<Data> = Result<Data>;

export interface Success<Data> {
  data: Data;
  error?: undefined;
  response: Response;
}

export interface Failure {
  data?: undefined;
  error: ApiError;
  /** Missing if there was no response. */
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
    : Result<Responses[keyof Responses]>
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
  /** Serializes the body; null sends it unchanged. */
  bodySerializer?: ((body: unknown) => BodyInit) | null;
  client?: Client;
  meta?: unknown;
  security?: unknown;
}

/** Create a client. Every operation takes one as `client`. */
export function createClient(config: Config): Client {
  const call = async (method: Method, options: RequestOptions) => {
    const result = await send(config, method.toUpperCase(), options);
    if (result.error && options.throwOnError) {
      throw new ApiFailure(result.error);
    }
    return result;
  };
  const listen = async (method: Method, options: RequestOptions) => {
    const { data } = await call(method, { ...options, throwOnError: true });
    return { stream: data };
  };
  return { ...methods<Call>(call), sse: methods<Listen>(listen) };
}

const METHODS = ["delete", "get", "head", "options", "patch", "post", "put", "trace"] as const;

/** Build one function per HTTP method. `Kind` has the types that an operation passes. */
function methods<Kind>(act: (method: Method, options: RequestOptions) => unknown) {
  const entries = METHODS.map((method) => [method, act.bind(undefined, method)]);
  return Object.fromEntries(entries) as Record<Method, Kind>;
}

async function send(
  config: Config,
  method: string,
  options: RequestOptions,
): Promise<Result<unknown>> {
  const request: RequestInit = {
    credentials: config.credentials,
    ...options,
    method,
    headers: await headersOf(config, options.headers),
    body: bodyOf(options),
  };
  let response: Response | undefined;
  try {
    response = await (config.fetch ?? fetch)(buildUrl(config.baseUrl, options), request);
    return response.ok
      ? { data: await dataOf(response), response }
      : { error: await readError(response), response };
  } catch (failure) {
    if (failure instanceof SyntaxError && response) {
      return { error: unreadable(response), response };
    }
    // Rethrow other errors, such as AbortError, to the caller.
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

function buildUrl(baseUrl: string, { url, path = {}, query = {} }: RequestOptions): string {
  const filled = url.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(String(path[name])),
  );
  const search = new URLSearchParams();
  append(search, query);
  return `${baseUrl.replace(/\/$/, "")}${filled}${search.size ? `?${search}` : ""}`;
}

/** Append the fields of an object: each value of a list separately; skip undefined and null. */
function append(target: URLSearchParams | FormData, fields: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields)) {
    for (const item of [value].flat()) {
      if (item instanceof Blob && target instanceof FormData) {
        target.append(name, item);
      } else if (item !== undefined && item !== null) {
        target.append(name, String(item));
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
