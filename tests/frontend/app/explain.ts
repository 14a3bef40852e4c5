import type { ApiError } from "my-service-client";

/** The message for an error; TypeScript reports missing codes. */
export function explain(error: ApiError): string {
  switch (error.code) {
    case "validation_error":
      return "Please correct the marked fields.";
    case "item_name_taken":
    case "conflict":
      return "This name is already taken.";
    case "item_not_found":
    case "not_found":
      return "This item no longer exists.";
    case "unauthorized":
    case "forbidden":
    case "cross_origin_refused":
      return "This is not allowed here.";
    case "unreachable":
    case "unavailable":
    case "not_ready":
    case "too_many_requests":
      return "Please try again in a moment.";
    case "bad_request":
    case "body_too_large":
    case "host_not_allowed":
    case "http_error":
    case "internal_error":
    case "method_not_allowed":
    case "unreadable":
      return `Something went wrong (${error.status}).`;
  }
}
