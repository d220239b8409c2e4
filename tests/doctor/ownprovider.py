"""The settings of a project that has moved half of the way: its code still sets a TracerProvider."""

import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.doctor.project import *  # noqa: F403 - the healthy project, with that provider

provider = TracerProvider()
if os.environ.get("OWN_EXPORTER"):
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
