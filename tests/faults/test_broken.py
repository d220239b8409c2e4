"""Each guarantee broken once on purpose: the test that is to see it does."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.faults.breakages import BREAKAGES
from tests.faults.guarantees import guarantee
from tests.tables import ROOT

SEEN_BY: list[tuple[str, str]] = [
    (
        "a record that is turned away is not counted",
        "test_export.py::test_the_books_balance_at_any_moment[ok-set()]",
    ),
    ("each loss is told", "faults/test_ledger.py::test_losses_are_told_seldom[302]"),
    ("a request exports by itself", "faults/test_blocked.py::test_no_request_waits_for_the_exporter[hang]"),
    ("nothing is bounded in bytes", "faults/test_outage.py::test_memory_in_an_outage[503-large]"),
    ("a redirect is success", "faults/test_ledger.py::test_the_books_balance[302-traces]"),
    ("what was rejected is ignored", "faults/test_ledger.py::test_the_books_balance[partial-traces]"),
    (
        "each byte of an answer may take its time",
        "test_otlphttp.py::test_an_answer_that_drips_has_one_deadline[body]",
    ),
    (
        "the notice waits for stderr",
        "test_notice.py::test_a_stderr_that_takes_nothing_does_not_hold_the_exit_back[full-exit]",
    ),
    (
        "an exception of a signal handler is swallowed",
        "test_reporting.py::test_what_a_signal_handler_raises_reaches_the_application[function]",
    ),
    (
        "a forked child shares its parent's pipelines",
        "faults/test_life.py::test_a_fork_in_mid_export",
    ),
    (
        "a process of Celery's pool ends without delivering",
        "faults/test_life.py::test_a_worker_that_is_told_to_end[Celery prefork]",
    ),
    (
        "what a killed process had queued is not counted",
        "faults/test_killed.py::test_what_a_killed_worker_took_with_it_is_counted",
    ),
    (
        "only the main thread hears SIGABRT",
        "faults/test_aborted.py::test_a_request_that_hangs[gunicorn sync and a call that no signal ends]",
    ),
    (
        "requests that --timeout kills are not told",
        "faults/test_aborted.py::test_a_request_that_hangs[gunicorn sync and a view that catches everything]",
    ),
    (
        "whoever asks reads the metrics page",
        "faults/test_guards.py::test_a_workers_page_has_the_same_rules",
    ),
    ("whoever asks reads the metrics page", "faults/test_guards.py::test_strangers_learn_ready_or_not"),
    ("a Unix socket's peer is trusted", "faults/test_guards.py::test_a_unix_socket_opens_nothing"),
    ("health may be kept, and posted to", "faults/test_guards.py::test_they_are_only_read[/healthz]"),
    (
        "whoever asks /readyz has dependencies asked",
        "test_health.py::test_who_asks_in_a_loop_asks_nothing_and_logs_nothing",
    ),
    (
        "lines tell the user, whatever the settings say",
        "faults/test_persons.py::test_nothing_identifies_a_person_by_default[gunicorn]",
    ),
    (
        "paths are told whole",
        "test_pathtext.py::test_lines_and_spans_of_nested_routes_have_it[/k/c4n4ry/-/k/<0>/]",
    ),
    (
        "lines of servers are told as they are",
        "faults/test_persons.py::test_access_lines_identify_no_person[gunicorn]",
    ),
    (
        "the end of a process waits for its receiver",
        "faults/test_exit.py::test_sigterm_to_exit[hang-a management command]",
    ),
    (
        "a handler of SIGTERM of the application's own is replaced",
        "faults/test_exit.py::test_a_handler_of_the_applications_own[hang-a management command]",
    ),
    (
        "a reload waits for the receiver as long as other ends do",
        "faults/test_exit.py::test_a_reload[hang]",
    ),
    ("the end of a process delivers nothing", "faults/test_life.py::test_workers_that_come_and_go[HUP]"),
    (
        "the end of a process delivers nothing",
        "faults/test_life.py::test_workers_that_come_and_go[max_requests and --preload]",
    ),
    (
        "the end of a process delivers nothing",
        "faults/test_life.py::test_children_of_multiprocessing[Pool-fork]",
    ),
    (
        "a Celery worker that is told to end delivers no more",
        "faults/test_life.py::test_a_warm_shutdown[Celery threads]",
    ),
    (
        "records wait half a minute for others",
        "faults/test_killed.py::test_the_loss_is_bounded_by_one_schedule_delay",
    ),
    (
        "flush() always says yes",
        "faults/test_exit.py::test_flush[hang]",
    ),
    (
        "statements are told with their values",
        "test_sqltext.py::test_a_spans_statement_has_no_values[db.statement-system0]",
    ),
    ("names of secrets are not known", "test_privacy.py::test_request_headers_are_masked_key_by_key"),
    (
        "forms of tokens, keys and cards are not known",
        "test_redaction.py::test_secrets_of_known_forms_are_masked",
    ),
    ("a project's own patterns are not applied", "test_redaction.py::test_a_project_adds_patterns"),
    (
        "a record that cannot be encoded costs its batch",
        "test_export.py::test_a_record_that_cannot_be_encoded_takes_no_other_with_it",
    ),
    ("texts are not cut", "test_json.py::test_sizes_are_capped"),
    ("texts are not cut", "faults/test_poison.py::test_poison_is_made_safe_or_counted[log record]"),
    ("texts are not cut", "faults/test_poison.py::test_poison_is_made_safe_or_counted[span]"),
    (
        "a line waits for the reader of stdout",
        "faults/test_undrained.py::test_requests_are_answered[stdout, a pipe-uvicorn]",
    ),
    (
        "series are not bounded",
        "test_metrics.py::test_a_family_with_too_many_label_sets_folds_the_rest_and_says_so",
    ),
    (
        "the files of ended workers stay",
        "test_multiprocess.py::test_a_damaged_file_of_the_dead_counts_for_what_can_be_read",
    ),
    (
        "one damaged file costs all",
        "faults/test_recycling.py::test_a_file_is_cut_off",
    ),
]
"""A breakage's name, and the test (its ID below tests/) that must fail where it is applied."""


def test_every_breakage_is_tried() -> None:
    assert {name for name, _ in SEEN_BY} == set(BREAKAGES)


@guarantee("broken", "{name}", column="test")
@pytest.mark.parametrize(("name", "test"), SEEN_BY, ids=[name for name, _ in SEEN_BY])
def test_what_is_broken_on_purpose_is_seen(name: str, test: str) -> None:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "DJANGO"))
    }
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"tests/{test}"]
    ran = subprocess.run(
        argv,
        cwd=ROOT,
        env={**environment, "FAULTS_BREAK": name},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    told = ran.stdout + ran.stderr
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, told
    assert re.search(r"^FAILED ", ran.stdout, re.MULTILINE), told
    assert not re.search(r"^ERROR ", ran.stdout, re.MULTILINE), told
