"""One stream of log lines for the service, its libraries and the server."""

import logging.config
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
    rendering: list[Processor] = [
        structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ]
    if log_format == "json":
        rendering = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(),
    )
    library_formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [*shared, structlog.stdlib.add_logger_name],
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"library": library_formatter},
            "handlers": {
                "stdout": {
                    "class": "logging.StreamHandler",
                    "formatter": "library",
                    "stream": sys.stdout,
                }
            },
            "root": {"level": level, "handlers": ["stdout"]},
            "loggers": {
                "uvicorn": {"handlers": []},
                "uvicorn.error": {"handlers": []},
                # The service writes an access line of its own, with the request's id.
                "uvicorn.access": {"handlers": [], "propagate": False},
            },
        }
    )
