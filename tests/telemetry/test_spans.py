"""Tests for a service with the OpenTelemetry SDK; `SPANS` is "native" or "instrumentation"."""

import json
import os

import pytest
import structlog
from my_service.application import create_app
from my_service.core.settings import Settings
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.foundation import serve

PARENT = f"00-{'a' * 32}-{'b' * 16}-01"
ORIGIN = "http://localhost:3000"
EXPORTER = InMemorySpanExporter()


def setup_module() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(EXPORTER))
    trace.set_tracer_provider(provider)


def server_spans() -> list[ReadableSpan]:
    return [span for span in EXPORTER.get_finished_spans() if span.kind is trace.SpanKind.SERVER]


@pytest.mark.parametrize("parent", [{}, {"traceparent": PARENT}], ids=["no parent", "a parent"])
@pytest.mark.parametrize("path", ["/logged", "/crash", "/nowhere"])
async def test_log_lines_and_the_response_carry_the_ids_of_the_span(
    settings: Settings, capsys: pytest.CaptureFixture[str], path: str, parent: dict[str, str]
) -> None:
    app = create_app(settings.model_copy(update={"log_format": "json"}))
    if os.environ["SPANS"] == "instrumentation":
        FastAPIInstrumentor.instrument_app(app)

    @app.get("/logged")
    async def logged() -> None:
        structlog.get_logger().info("inside")

    @app.get("/crash")
    async def crash() -> None:
        raise RuntimeError

    EXPORTER.clear()
    async with serve(app) as client:
        response = await client.get(path, headers={"Origin": ORIGIN, **parent})

    (span,) = server_spans()
    assert span.context is not None
    trace_id, span_id = f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"
    assert (trace_id == "a" * 32) is bool(parent)
    assert response.headers["traceparent"][:53] == f"00-{trace_id}-{span_id}-"
    assert response.headers["x-request-id"]
    assert response.headers["access-control-allow-origin"] == ORIGIN
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    ours = [line for line in lines if line["event"] in {"inside", "request"}]
    assert len(ours) == (2 if path == "/logged" else 1)
    assert {(line["trace_id"], line["span_id"]) for line in ours} == {(trace_id, span_id)}


async def test_a_request_without_a_span_has_its_own_ids(settings: Settings) -> None:
    app = create_app(settings)
    if os.environ["SPANS"] == "instrumentation":
        FastAPIInstrumentor.instrument_app(app)

    EXPORTER.clear()
    async with serve(app) as client:
        body = b"x" * (settings.max_body_size + 1)
        response = await client.post("/api/v1/items", content=body, headers={"Origin": ORIGIN})

    assert response.status_code == 413
    assert server_spans() == []
    assert response.headers["traceparent"].startswith("00-")
    assert response.headers["access-control-allow-origin"] == ORIGIN
