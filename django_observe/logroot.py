"""The root logger while it is ours: what was changed for that, and how it is put back."""

from __future__ import annotations

import logging

from django_observe.loghandler import is_standard

CONSOLES = ("", "django", "django.server")
"""Loggers on which Django's default, on root daphne's command line, puts console handlers of its own."""


class Takeover:
    """Root writes to our output in place of Django's console handlers; mails to admins stay."""

    def __init__(self) -> None:
        self._lent: list[logging.Logger] = []
        self._removed: dict[str, list[logging.Handler]] = {}
        self._level_before = logging.NOTSET
        self._level_set: str | None = None

    def take(self, output: logging.Handler, level: str | None) -> None:
        """Makes root ours, `level` where it changes; None keeps root's own. May be called again."""
        root, server = logging.getLogger(), logging.getLogger("django.server")
        self._lend(root, output)
        if level is None:
            self._give_level_back(root)
        elif self._level_set != level:
            if self._level_set is None:
                self._level_before = root.level
            root.setLevel(level)
            self._level_set = level
        for name in CONSOLES:
            self._clear(name)
        if not server.propagate:
            self._lend(server, output)

    def leave(self, output: logging.Handler) -> None:
        """Puts back what `take` changed; what somebody else has changed since stays as it is."""
        root = logging.getLogger()
        ours = output in root.handlers and root in self._lent
        for logger in self._lent:
            logger.removeHandler(output)
        for name, handlers in self._removed.items():
            for handler in handlers:
                logging.getLogger(name).addHandler(handler)
        self._lent.clear()
        self._removed.clear()
        if ours:
            self._give_level_back(root)

    def forget_consoles(self) -> None:
        """For when LOGGING was applied anew: what was removed before would come on top of it."""
        self._removed.clear()

    def _give_level_back(self, root: logging.Logger) -> None:
        if self._level_set is not None and logging.getLevelName(root.level) == self._level_set:
            root.setLevel(self._level_before)
            self._level_set = None

    def _lend(self, logger: logging.Logger, output: logging.Handler) -> None:
        if output not in logger.handlers:
            logger.addHandler(output)
            if logger not in self._lent:
                self._lent.append(logger)

    def _clear(self, name: str) -> None:
        logger = logging.getLogger(name)
        consoles: list[logging.Handler] = [
            each for each in logger.handlers if type(each) is logging.StreamHandler and is_standard(each)
        ]
        for handler in consoles:
            logger.removeHandler(handler)
        if consoles:
            self._removed[name] = consoles
