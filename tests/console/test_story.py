"""A story stays cheap however its spans hang together, and its picture small however many took part."""

from __future__ import annotations

from typing import Any

from django_observe.console.digest import as_text, digest
from django_observe.console.lanes import Picture
from django_observe.console.story import Story
from tests.console.rows import CLIENT, CONSUMER, PRODUCER, SERVER, log, span


class Counted(dict[str, Any]):
    """A row that counts how often its parent is asked for."""

    asked = 0

    def __getitem__(self, key: str, /) -> Any:
        """The value of a column."""
        if key == "parent_id":
            Counted.asked += 1
        return super().__getitem__(key)


def made(name: str, parent: str = "", start: float = 0, **fields: Any) -> Counted:
    return Counted(span(name, parent, start, http=None, **fields))


def test_lines_at_the_end_of_a_deep_chain_belong_to_its_request_and_each_span_is_passed_once() -> None:
    depth = 500
    chain = [made("s0", kind=SERVER), *(made(f"s{n}", f"s{n - 1}") for n in range(1, depth))]
    lines = [log("deep", f"s{depth - 1}", number) for number in range(depth)]
    Counted.asked = 0
    steps = Story(chain, lines).steps
    assert [(step.name, len(step.lines)) for step in steps] == [("s0", depth)]
    assert Counted.asked < 10 * depth


def test_hosts_of_calls_that_are_not_drawn_have_no_lane() -> None:
    calls = [
        made(f"c{n}", start=n, kind=CLIENT, attrs={"server.address": f"h{n}.example"}) for n in range(1000)
    ]
    picture = Picture(Story(calls, []).steps, [], {})
    assert picture.left_out == 700
    assert len(picture.lanes) == 300
    assert all(lane.bars for lane in picture.lanes)


def publish(start: float) -> Counted:
    attrs = {"celery.task_name": "mail.order"}
    return made(
        f"p{start}", start=start, kind=PRODUCER, status=2, status_msg="Connection refused", attrs=attrs
    )


def test_a_message_that_could_not_be_sent_is_unsent_until_a_consumer_ran_it() -> None:
    attempts = [publish(1), publish(20)]
    unsent = Story(attempts, []).steps
    assert [step.outcome for step in unsent] == ["still unsent", "still unsent"]
    assert (2, "unsent messages") in digest(unsent).figures
    task = made("run", start=40, kind=CONSUMER, attrs={"celery.task_name": "mail.order"})
    ran = Story([*attempts, task], []).steps
    assert [step.outcome for step in ran] == ["sent later", "sent later", "done"]
    assert digest(ran).verdict == "Completed"
    assert digest(ran).figures == [(1, "task")]


def test_the_last_warning_of_a_request_is_its_cause_where_no_span_tells_one() -> None:
    top = made("POST orders/", kind=SERVER, status=2)
    lines = [
        log("auth is failing, not asked", "POST orders/", 1, sev=13),
        log("Bad Gateway: /orders/", "POST orders/", 2, sev=17, attrs='{"logger":"django.request"}'),
        log("POST /orders/ 502", "POST orders/", 3, sev=17, attrs='{"event":"request"}'),
    ]
    steps = Story([top], lines).steps
    told = digest(steps)
    assert (told.verdict, told.fault) == ("POST orders/ failed in svc", "auth is failing, not asked")
    pasted = as_text("order-1", steps, told).splitlines()
    assert pasted[1].endswith("10.0 ms in all: POST orders/ failed in svc")
    assert pasted[2] == "auth is failing, not asked"


def test_time_between_a_failed_call_and_the_next_is_until_the_next_try_unless_something_runs() -> None:
    def call(start: float, status: int, **fields: Any) -> Counted:
        attrs = {"server.address": "pay.example"}
        name = fields.pop("name", "POST")
        return made(name, "top", start, kind=CLIENT, status=status, attrs=attrs, id=f"c{start}", **fields)

    top = made("top", kind=SERVER, length=200)
    steps = Story([top, call(10, 2), call(30, 0, name="GET"), call(120, 0)], []).steps
    shares = {share.key: share.text for share in digest(steps).shares}
    assert shares == {"working": "110 ms", "delayed": "90.0 ms"}
