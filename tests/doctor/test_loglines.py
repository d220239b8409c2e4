"""What the doctor says of where lines go: on which stream, and below which level."""

from __future__ import annotations

from django_observe.doctor.finding import BROKEN
from tests.doctor.running import doctor
from tests.doctor.test_process import MODULE, given, own_line

STREAM_HANDLER = {"class": "logging.StreamHandler"}
"""Its own stream is stderr."""


def test_the_stream_is_told() -> None:
    handlers = {
        "console": STREAM_HANDLER,
        "stdout": {**STREAM_HANDLER, "stream": "ext://sys.stdout"},
        "json": {**STREAM_HANDLER, "formatter": "json"},
    }
    loggers = {
        name: {"handlers": [handler], "propagate": False, "level": "INFO"}
        for name, handler in ((MODULE, "stdout"), (f"{MODULE}.audit", "json"))
    }
    formatters = {"json": {"format": '{"message": "%(message)s"}'}}
    run = doctor(settings={"LOGGING": given(loggers, handlers=handlers, formatters=formatters)})
    assert own_line(run).split("; ") == [
        "INFO and above of tests go to stderr, as text",
        f"INFO and above of {MODULE} go to stdout, as text",
        f"INFO and above of {MODULE}.audit go to stderr, as JSON of another formatter",
    ]


def test_what_is_to_be_changed_lets_the_wanted_level_through() -> None:
    loggers = {
        f"{MODULE}.a": {"level": "CRITICAL"},
        f"{MODULE}.b": {"handlers": ["last"], "level": "INFO", "propagate": False},
        f"{MODULE}.c": {"level": 60},
    }
    handlers = {"console": STREAM_HANDLER, "last": {**STREAM_HANDLER, "level": "CRITICAL"}}
    planted = {
        "LOGGING": given(loggers, handlers=handlers),
        "DJANGO_OBSERVE": {"LOG_LEVEL": "WARNING"},
    }
    run = doctor(settings=planted)
    assert [(each.says, each.change) for each in run.findings if each.state == BROKEN] == [
        (
            f"lines of {MODULE}.a below CRITICAL go nowhere",
            f'LOGGING["loggers"]["{MODULE}.a"]["level"] = "WARNING"',
        ),
        (
            f"lines of {MODULE}.b below CRITICAL go nowhere",
            'LOGGING["handlers"]["last"]["level"] = "WARNING"',
        ),
        (
            f"lines of {MODULE}.c, of whatever level, go nowhere",
            f'LOGGING["loggers"]["{MODULE}.c"]["level"] = "WARNING"',
        ),
    ]
