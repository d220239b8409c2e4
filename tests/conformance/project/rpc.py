"""A gRPC server under OpenTelemetry's instrumentation: `python -m tests.conformance.project.rpc ADDRESS`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import grpc
from opentelemetry.instrumentation.grpc import server_interceptor

SERVICE = "conformance.Orders"
_worked = threading.local()


def tell(key: bytes) -> bytes:
    """Says what a procedure runs under; a message is a row's key."""
    from tests.conformance.project.witness import witness

    _worked.key = key.decode()
    witness(_worked.key, "rpc")
    return b"told"


def unary(key: bytes, _: grpc.ServicerContext) -> bytes:
    return tell(key)


def server_streaming(key: bytes, _: grpc.ServicerContext) -> Iterator[bytes]:
    for _number in range(3):
        yield tell(key)


def client_streaming(keys: Iterator[bytes], _: grpc.ServicerContext) -> bytes:
    return b" ".join(map(tell, keys))


def bidirectional(keys: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
    yield from map(tell, keys)


PROCEDURES = {
    "unary": grpc.unary_unary_rpc_method_handler(unary),
    "server_streaming": grpc.unary_stream_rpc_method_handler(server_streaming),
    "client_streaming": grpc.stream_unary_rpc_method_handler(client_streaming),
    "bidirectional": grpc.stream_stream_rpc_method_handler(bidirectional),
}


class Watched(ThreadPoolExecutor):
    """The server's threads, with a witness after each call: what is left in the thread."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(self._work, function, *args, **kwargs)

    @staticmethod
    def _work(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        from tests.conformance.project.witness import left

        _worked.key = None
        before = copy_context()
        try:
            return function(*args, **kwargs)
        finally:
            left(_worked.key, before)


def main(address: str) -> None:
    """Serves until it is stopped."""
    import django

    from tests.conformance.project import kit

    django.setup()
    kit.trace()
    server = grpc.server(Watched(4), interceptors=[server_interceptor()])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, PROCEDURES),))
    server.add_insecure_port(address)
    server.start()
    print("ready", flush=True)  # noqa: T201 - what its starter waits for
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
