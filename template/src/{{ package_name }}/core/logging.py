"""One stream of log lines for the service, its libraries and the server."""

import logging
import sys
from collections.abc import Sequence

import structlog
from structlog.typing import Processor


def configure_logging(level: str, log_format: str, processors: Sequence[Processor] = ()) -> None:
    """Write every record of the process to standard output, in one format.

    Args:
        level: the least severe level that is written, such as `INFO`.
        log_format: `json` for machines, `console` for a person.
        processors: steps of the service's own, which run before a line is rendered.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        *processors,
    ]
    # Tracebacks in plain text: the other ways show the local variables, secrets among them.
    plain = structlog.dev.plain_traceback
    rendering: list[Processor] = [
        structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=plain)
    ]
    if log_format == "json":
        rendering = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(),
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        # The service writes an access line of its own, with the request's id.
        logging.getLogger(name).propagate = name != "uvicorn.access"
    # It would also name the address of every socket, with its query.
    logging.getLogger("uvicorn.error").addFilter(_is_about_no_socket)


def _is_about_no_socket(record: logging.LogRecord) -> bool:
    return '"WebSocket' not in str(record.msg)
