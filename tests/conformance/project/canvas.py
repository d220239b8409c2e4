"""Scenarios of several tasks at once: Celery's canvas."""

from __future__ import annotations

from celery import chain, chord, group

from tests.conformance.project import tasks
from tests.conformance.project.publishing import routed
from tests.conformance.project.tasks import tell


@routed
def chained(key: str) -> object:
    return chain(*(tell.s(key=key, place=place) for place in ("first", "second", "third"))).delay()


@routed
def immutable(key: str) -> object:
    first, second = tell.s(key=key, place="first"), tell.s(key=key, place="second")
    return (first | second | tell.si(key=key, place="third")).delay()


@routed
def grouped(key: str) -> object:
    return group(tell.s(key=key, place=place) for place in ("first", "second", "third")).delay()


@routed
def chorded(key: str) -> object:
    header = [tell.s(key=key, place=place) for place in ("first", "second")]
    return chord(header)(tell.s(key=key, place="body"))


@routed
def failing_chord(key: str) -> object:
    header = [tasks.fails.s(key=key), tell.s(key=key, place="second")]
    return chord(header)(tell.s(key=key, place="body").on_error(tell.s(key=key, place="errback")))


@routed
def chain_around_group(key: str) -> object:
    first, second, third, last = (
        tell.s(key=key, place=place) for place in ("first", "second", "third", "last")
    )
    return chain(first, group(second, third), last).delay()


@routed
def group_of_canvas(key: str) -> object:
    first, second, third, fourth, body = (
        tell.s(key=key, place=place) for place in ("first", "second", "third", "fourth", "body")
    )
    return group(chain(first, second), chord([third, fourth], body)).delay()


@routed
def mapped(key: str) -> object:
    return tasks.pair.map([(key, "first"), (key, "second")]).delay()


@routed
def starmapped(key: str) -> object:
    return tasks.pass_by.starmap([(key, "first"), (key, "second")]).delay()


@routed
def chunked(key: str) -> object:
    return tasks.pass_by.chunks([(key, "first"), (key, "second"), (key, "third")], 2).delay()


@routed
def stamped(key: str) -> object:
    canvas = chain(tell.s(key=key, place="first"), tell.s(key=key, place="second"))
    canvas.stamp(shop="basel")
    return canvas.delay()
