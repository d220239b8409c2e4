"""The lines that servers write themselves, by loggers with handlers of their own."""

from __future__ import annotations

import logging

from django_observe.loghandler import is_standard

LOGGERS = (
    "gunicorn.error",
    "gunicorn.access",
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "hypercorn.error",
    "hypercorn.access",
    "_granian",
    "granian.access",
)


def adopt(output: logging.Handler, once: logging.Filter) -> None:
    """Gives them the shape of `output`, on the stream they have; files stay as they are.

    What `output` hears by root as well (of Hypercorn) is not told twice.
    """
    ours = output in logging.getLogger().handlers
    for logger in map(logging.getLogger, LOGGERS):
        for handler in filter(is_standard, logger.handlers[:]):
            if ours and logger.propagate:
                logger.removeHandler(handler)
            else:
                handler.setFormatter(output.formatter)
                handler.addFilter(once)
