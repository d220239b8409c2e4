"""Numbers of processes that fork, end, or leave damaged files behind."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from django_observe import archive, exemplars, killed, multiprocess, reporting, valuefiles
from django_observe.exemplars import File, Mark

START = """
import os, sys, django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django_observe"])
django.setup()
from django_observe import archive, exposition, multiprocess, reporting
from django_observe.records import Call, TraceContext
from prometheus_client.parser import text_string_to_metric_families as parse

def call(host="a.test", seconds=0.1, trace=None):
    reporting.report(Call(method="GET", host=host, status=200, seconds=seconds, trace=trace))

def in_child(work):
    pid = os.fork()
    if not pid:
        work()
        os._exit(0)
    os.waitpid(pid, 0)
    return pid

def page(accept=""):
    return exposition.render(accept, several=True)[0].decode()

def sample(name):
    found = [s for family in parse(page()) for s in family.samples if s.name == name]
    return sum(s.value for s in found)

COUNT = "http_client_request_duration_seconds_count"
"""


def python(program: str, *arguments: str, **variables: str) -> list[str]:
    """The lines a fresh interpreter prints for START and `program`."""
    names = ("DJANGO_SETTINGS_MODULE", "PROMETHEUS_MULTIPROC_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, "-c", START + program, *arguments],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


FORKS = """
made = multiprocess.prepare()
call()
pids = [in_child(lambda: [call() for _ in range(5)]) for _ in range(4)]
print(sample(COUNT))
print(sorted({pid for pid in archive.pids(made)} - {os.getpid()}), reporting.failures())
for _ in range(30):
    in_child(call)
print(sample(COUNT), len(list(made.iterdir())))
"""


def test_children_that_have_ended_keep_counting_and_leave_no_files(tmp_path: Path) -> None:
    first, left, last = python(FORKS, OBSERVE_METRICS_DIR=str(tmp_path))
    assert first == "21.0"
    assert left == "[] {}"
    total, files = last.split()
    assert total == "51.0"
    assert int(files) <= 10
    assert list(tmp_path.iterdir()) == [], "the directory is removed with its maker"


CARRIED = """
from prometheus_client import Counter, Gauge, Histogram, Summary
carts = Counter("carts_total", "The project's own, made before anything forked.", ["shop"])
carts.labels("a").inc(3)
level = Gauge("level", "", multiprocess_mode="sum")
level.set(2)
sizes = Histogram("sizes", "")
sizes.observe(0.1)
waits = Summary("waits", "")
waits.observe(4)
call()
multiprocess.prepare()
def work():
    carts.labels("a").inc()
    carts.labels("b").inc()
    sizes.observe(0.2)
    waits.observe(1)
    level.set(1)
    call()
in_child(work)
print(sample("carts_total"), sample("sizes_count"), sample("waits_sum"), sample("level"), sample(COUNT))
print(reporting.failures())
"""


def test_values_that_exist_before_the_directory_are_carried_over(tmp_path: Path) -> None:
    values, failures = python(CARRIED, OBSERVE_METRICS_DIR=str(tmp_path))
    assert values == "5.0 2.0 5.0 3.0 2.0"
    assert failures == "{}"


POOL = """
import celery.app.base
from django_observe import celery
made = multiprocess.prepare()
celery._main_process = os.getpid()
def pool_process():
    celery.on_pool_process_starts()
    call()
ended = [in_child(pool_process) for _ in range(5)]
print(archive.pids(made) == {ended[-1]}, reporting.failures())
print(sample(COUNT))
"""


def test_a_pool_process_buries_those_it_replaces_without_a_scrape(tmp_path: Path) -> None:
    assert python(POOL, OBSERVE_METRICS_DIR=str(tmp_path)) == ["True {}", "5.0"]


OWN_DIRECTORY = """
print(multiprocess.prepare(), multiprocess.prepare() == multiprocess.directory())
pid = in_child(call)
multiprocess.sweep()
print(sample(COUNT), pid in archive.pids(multiprocess.directory()))
multiprocess.bury(pid)
print(sample(COUNT), pid in archive.pids(multiprocess.directory()))
multiprocess.remove()
"""


def test_a_directory_of_the_users_own_is_honoured_and_stays(tmp_path: Path) -> None:
    own = tmp_path / "deep" / "own"
    found, swept, buried = python(OWN_DIRECTORY, PROMETHEUS_MULTIPROC_DIR=str(own))
    assert found == f"{own} True"
    assert swept == "1.0 True", "pids there may be another machine's: only named ones are buried"
    assert buried == "1.0 False"
    assert own.is_dir()


ABANDONED = "print(multiprocess.prepare().name)"


def test_a_killed_masters_directory_is_removed_by_the_next_start(tmp_path: Path) -> None:
    old, young = tmp_path / "django-observe-metrics-1-old", tmp_path / "django-observe-metrics-2-young"
    foreign = tmp_path / "somebody-elses"
    for folder in (old, young, foreign):
        folder.mkdir()
        (folder / "counter_1.db").touch()
    long_ago = time.time() - 3_600
    for folder in (old, foreign):
        os.utime(folder, (long_ago, long_ago))
    python(ABANDONED, OBSERVE_METRICS_DIR=str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {young.name, foreign.name}


UNWRITABLE = """
print(multiprocess.prepare(), multiprocess.directory())
call()
print(exposition.render("", several=False)[0].decode().count("observe_scrape_incomplete 1.0"), sample(COUNT))
"""


@pytest.mark.parametrize("variable", ["OBSERVE_METRICS_DIR", "PROMETHEUS_MULTIPROC_DIR"])
def test_where_no_directory_can_be_made_the_page_says_that_it_is_incomplete(
    tmp_path: Path, variable: str
) -> None:
    (tmp_path / "file").touch()
    assert python(UNWRITABLE, **{variable: str(tmp_path / "file" / "below")}) == ["None None", "1 1.0"]


GONE = """
import shutil
made = multiprocess.prepare()
call()
shutil.rmtree(made)
print("observe_info" in page(), sum(reporting.failures().values()) > 0)
call()
"""


def test_a_directory_that_is_gone_costs_the_numbers_not_the_page(tmp_path: Path) -> None:
    assert python(GONE, OBSERVE_METRICS_DIR=str(tmp_path)) == ["True True"]


EXEMPLARS = """
multiprocess.prepare()
def traced(digit, seconds):
    return lambda: call(seconds=seconds, trace=TraceContext(digit * 32, "b" * 16, sampled=True))
in_child(traced("a", 0.002))
in_child(traced("b", 0.9))
traced("c", 0.9)()
lines = page("application/openmetrics-text; version=1.0.0").splitlines()
print([line.split(" # ")[1].split()[0] for line in lines if " # " in line])
print(reporting.failures())
"""


def test_exemplars_of_all_processes_are_merged_and_the_newest_wins(tmp_path: Path) -> None:
    found, failures = python(EXEMPLARS, OBSERVE_METRICS_DIR=str(tmp_path))
    assert found == str([f'{{trace_id="{"a" * 32}"}}', f'{{trace_id="{"c" * 32}"}}'])
    assert failures == "{}"


def value_file(folder: Path, name: str, values: dict[str, tuple[float, float]]) -> Path:
    path = folder / name
    file = MmapedDict(str(path))  # type: ignore[no-untyped-call]
    for key, (value, at) in values.items():
        file.write_value(key, value, at)  # type: ignore[no-untyped-call]
    file.close()  # type: ignore[no-untyped-call]
    return path


def key(family: str, **labels: str) -> str:
    return mmap_key(family, family, list(labels), list(labels.values()), "")


def values(path: Path) -> dict[str, tuple[float, float]]:
    read = MmapedDict.read_all_values_from_file(str(path))  # type: ignore[no-untyped-call]
    return {entry: (value, at) for entry, value, at, _ in read}


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("counter", (7.0, 0.0)),
        ("histogram", (7.0, 0.0)),
        ("summary", (7.0, 0.0)),
        ("gauge_sum", (7.0, 0.0)),
        ("gauge_min", (2.0, 20.0)),
        ("gauge_max", (5.0, 10.0)),
        ("gauge_mostrecent", (2.0, 20.0)),
        ("gauge_livesum", None),
        ("gauge_liveall", None),
        ("gauge_all", None),
    ],
)
def test_what_outlives_a_process_depends_on_its_kind(
    tmp_path: Path, kind: str, kept: tuple[float, float] | None
) -> None:
    value_file(tmp_path, f"{kind}_11.db", {key("m"): (5.0, 10.0)})
    value_file(tmp_path, f"{kind}_12.db", {key("m"): (2.0, 20.0)})
    value_file(tmp_path, f"{kind}_13.db", {key("m"): (100.0, 30.0)})
    archive.bury(tmp_path, {11})
    archive.bury(tmp_path, {12})
    assert archive.pids(tmp_path) == {13}
    archived = tmp_path / f"{kind}_0.db"
    assert (values(archived)[key("m")] if archived.exists() else None) == kept


def test_the_archive_folds_label_sets_beyond_its_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_SAMPLES", 3)
    for pid in range(1, 8):
        given = {key("calls", server_address=f"host-{pid}", http_request_method="GET"): (1.0, 0.0)}
        value_file(tmp_path, f"counter_{pid}.db", given)
        archive.bury(tmp_path, {pid})
    kept = values(tmp_path / "counter_0.db")
    assert sum(value for value, _ in kept.values()) == 7
    assert kept[key("calls", server_address="other", http_request_method="GET")] == (4.0, 0.0)
    assert len(kept) == 4


def test_a_damaged_file_of_the_dead_counts_for_what_can_be_read(tmp_path: Path) -> None:
    whole = value_file(tmp_path, "counter_11.db", {key("a"): (5.0, 0.0), key("b"): (6.0, 0.0)})
    data = whole.read_bytes()
    used = struct.unpack_from("i", data)[0]
    whole.write_bytes(data[: used - 20])
    (tmp_path / "counter_12.db").write_bytes(b"")
    archive.bury(tmp_path, {11, 12})
    assert values(tmp_path / "counter_0.db") == {key("a"): (5.0, 0.0)}
    assert archive.pids(tmp_path) == set()


def test_a_reader_that_hangs_delays_a_burial_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LOCK_SECONDS", 0.05)
    value_file(tmp_path, "counter_11.db", {key("a"): (5.0, 0.0)})
    with archive.locked(tmp_path, alone=False) as held:
        assert held
        archive.bury(tmp_path, {11})
        assert archive.pids(tmp_path) == {11}
    archive.bury(tmp_path, {11})
    assert values(tmp_path / "counter_0.db") == {key("a"): (5.0, 0.0)}


FORKED_WHILE_LOCKED = """
import threading, time
from pathlib import Path
folder, locked, forked = Path(sys.argv[1]), threading.Event(), threading.Event()
def scrape():
    with archive.locked(folder, alone=False):
        locked.set()
        forked.wait(30)
thread = threading.Thread(target=scrape)
thread.start()
locked.wait(30)
ask, answer = os.pipe()
pid = os.fork()
if not pid:
    os.close(answer)
    os.read(ask, 1)
    os._exit(0)
forked.set()
thread.join()
with archive.locked(folder, alone=True) as held:
    print(held)
os.close(answer)
os.waitpid(pid, 0)
"""


def test_a_child_forked_during_a_scrape_does_not_keep_the_directory_locked(tmp_path: Path) -> None:
    assert python(FORKED_WHILE_LOCKED, str(tmp_path)) == ["True"]


FORKED_WHILE_COUNTING = """
import signal, threading
from django_observe import metrics
multiprocess.prepare()
call()
metrics.mirror()
stop = threading.Event()
def count():
    while not stop.is_set():
        with reporting.guard("counted"):
            raise ValueError
        metrics.mirror()
        call()
threads = [threading.Thread(target=count) for _ in range(2)]
for thread in threads:
    thread.start()
def work():
    signal.alarm(10)
    with reporting.guard("child"):
        raise ValueError
    metrics.mirror()
    call()
ended = []
for _ in range(60):
    pid = os.fork()
    if not pid:
        work()
        os._exit(0)
    ended.append(os.waitpid(pid, 0)[1])
stop.set()
for thread in threads:
    thread.join()
print(set(ended))
"""


def test_children_forked_while_other_threads_count_do_not_hang(tmp_path: Path) -> None:
    assert python(FORKED_WHILE_COUNTING, OBSERVE_METRICS_DIR=str(tmp_path)) == ["{0}"]


def marks(path: Path) -> dict[bytes, Mark]:
    return exemplars.read([path])


def test_a_full_exemplar_file_keeps_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exemplars, "FILE_BYTES", 4096)
    file = File(tmp_path / "exemplars_1.bin")
    for number in range(200):
        file.put(b"bucket %d" % number, Mark(float(number), 1.0, "a" * 32))
    file.put(b"bucket 3", Mark(99.0, 2.0, "b" * 32))
    kept = marks(tmp_path / "exemplars_1.bin")
    assert 10 < len(kept) < 200
    assert kept[b"bucket 3"] == Mark(99.0, 2.0, "b" * 32)
    file.close()


@pytest.mark.parametrize("damage", ["torn", "short", "empty"])
def test_a_damaged_exemplar_is_left_out(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "exemplars_1.bin"
    file = File(path)
    file.put(b"first", Mark(1.0, 1.0, "a" * 32))
    file.put(b"second", Mark(2.0, 2.0, "b" * 32))
    file.close()
    data = bytearray(path.read_bytes())
    end = struct.unpack_from("<I", data)[0]
    if damage == "torn":
        data[end - 10] ^= 1
    path.write_bytes(bytes({"torn": data, "short": data[: end - 3], "empty": b""}[damage]))
    assert marks(path) == ({} if damage == "empty" else {b"first": Mark(1.0, 1.0, "a" * 32)})


def test_exemplars_of_the_dead_move_to_the_archive(tmp_path: Path) -> None:
    for pid, at in ((11, 1.0), (12, 3.0), (13, 2.0)):
        file = File(tmp_path / f"exemplars_{pid}.bin")
        file.put(b"bucket", Mark(0.5, at, f"{pid:032x}"))
        file.close()
        archive.bury(tmp_path, {pid})
    assert marks(tmp_path / "exemplars_0.bin") == {b"bucket": Mark(0.5, 3.0, f"{12:032x}")}
    assert archive.pids(tmp_path) == set()


def test_a_bucket_takes_one_exemplar_a_second_even_when_the_clock_goes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept: list[Any] = []
    monkeypatch.setattr(exemplars.Memory, "put", lambda _, __, mark: kept.append(mark.at))
    series = exemplars.Series("m", {}, (1.0, float("inf")))
    for now in (1_000.0, 1_000.5, 1_001.0, 1_001.2, 500.0):
        series.offer(0, 0.5, "a" * 32, now)
    series.offer(1, 5.0, "a" * 32, 500.0)
    assert kept == [1_000.0, 1_001.0, 500.0, 500.0]


def shown(folder: Path) -> dict[str, float]:
    """What a scrape makes of a folder, by sample."""
    return {
        sample.name: sample.value for family in multiprocess.families(folder) for sample in family.samples
    }


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    used = struct.unpack_from("i", data)[0]
    length = data.rindex(b'["last"') - 4
    path.write_bytes(
        {
            "torn in a value": data[: used - 9],
            "torn in a key": data[: length + 10],
            "torn between values": data[:length],
            "zeros": data[:length] + bytes(len(data) - length),
            "a length below zero": data[:length] + struct.pack("i", -24) + data[length + 4 :],
            "a length beyond the end": data[:length] + struct.pack("i", 2**30) + data[length + 4 :],
            "a key that is none": data.replace(b'["last"', b'{"last"'),
            "a key that is no text": data.replace(b'["last"', b'["\xffast"'),
            "a use beyond the end": struct.pack("i", 2**31 - 1) + data[4:used],
        }[how]
    )


@pytest.mark.parametrize(
    ("how", "left"),
    [
        ("torn in a value", 2.0),
        ("torn in a key", 2.0),
        ("torn between values", 2.0),
        ("zeros", 2.0),
        ("a length below zero", 2.0),
        ("a length beyond the end", 2.0),
        ("a key that is none", 2.0),
        ("a key that is no text", 2.0),
        ("a use beyond the end", 5.0),
    ],
)
def test_a_damaged_file_of_the_living_counts_for_what_can_be_read(
    tmp_path: Path, how: str, left: float
) -> None:
    given = {key("first"): (1.0, 0.0), key("last"): (3.0, 0.0)}
    value_file(tmp_path, "counter_11.db", given)
    value_file(tmp_path, "counter_12.db", {key("last"): (2.0, 0.0), key("first"): (1.0, 0.0)})
    damage(value_file(tmp_path, "counter_13.db", given), how)
    before = reporting.failures().get(valuefiles.PLACE, 0)
    assert shown(tmp_path) == {"first": 3.0, "last": 3.0 + left}
    assert reporting.failures()[valuefiles.PLACE] == before + 1


def test_a_file_that_goes_in_mid_scrape_costs_its_own_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in (11, 12, 13):
        value_file(tmp_path, f"counter_{pid}.db", {key("a"): (1.0, 0.0)})
    read, seen = valuefiles.read, []

    def deleting(path: Path) -> Any:
        seen.append(path)
        (tmp_path / "counter_12.db").unlink(missing_ok=True)
        return read(path)

    monkeypatch.setattr(valuefiles, "read", deleting)
    assert shown(tmp_path) == {"a": 2.0}
    assert len(seen) > 2, "all are read again: it may have been added to the archive"


KILLED = """
from pathlib import Path
def in_killed_child(folder, dies):
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    steps = 0
    def step(event, _):
        nonlocal steps
        steps += event in {"os.rename", "os.remove", "open"}
        if steps == dies:
            os.kill(os.getpid(), 9)
    sys.addaudithook(step)
    archive.bury(folder, {11, 12})
    os._exit(0)
folders = sorted(Path(sys.argv[1]).iterdir())
print([in_killed_child(folder, dies) for dies, folder in enumerate(folders, 1)].index(0))
"""


def test_a_burial_that_is_killed_counts_neither_twice_nor_not_at_all(tmp_path: Path) -> None:
    """At each file that it opens, renames or removes, until one burial gets to its end."""
    folders = [tmp_path / f"{number:02}" for number in range(40)]
    for folder in folders:
        folder.mkdir()
        value_file(folder, "counter_0.db", {key("a"): (10.0, 0.0)})
        for pid in (11, 12, 13):
            value_file(folder, f"counter_{pid}.db", {key("a"): (1.0, 0.0)})
            value_file(folder, f"gauge_livesum_{pid}.db", {key("b"): (1.0, 0.0)})
    (killed,) = python(KILLED, str(tmp_path))
    assert 8 < int(killed) < len(folders)
    for folder in folders:
        assert shown(folder)["a"] == 13.0, folder.name
        archive.bury(folder, {11, 12})
        assert shown(folder) == {"a": 13.0, "b": 1.0}, folder.name
        left = {".lock", "counter_0.db", "counter_13.db", "gauge_livesum_13.db"}
        assert {path.name for path in folder.iterdir()} == left


def test_what_a_killed_process_never_delivered_is_booked_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    counters = tmp_path / "counter_4242.db"
    values = {("accepted", "traces"): 20, ("exported", "traces"): 5, ("accepted", "logs"): 3}
    file = MmapedDict(str(counters))  # type: ignore[no-untyped-call]
    for (name, given), value in values.items():
        family = f"observe_telemetry_{name}"
        key = mmap_key(family, f"{family}_total", ["signal"], [given], "")
        file.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
    family = "observe_telemetry_dropped"
    key = mmap_key(family, f"{family}_total", ["signal", "reason"], ["logs", "refused"], "")
    file.write_value(key, 3.0, 0.0)  # type: ignore[no-untyped-call]
    file.close()  # type: ignore[no-untyped-call]
    for _ in range(2):
        killed.account(counters)
    (told,) = capfd.readouterr().err.splitlines()
    assert told.endswith("process 4242 ended without delivering what it had queued: traces 15")
    archive.bury(tmp_path, {4242})
    (lost,) = [value for text, (value, _) in valuefiles.read(tmp_path / "counter_0.db") if "killed" in text]
    assert lost == 15


BEGUN = """
multiprocess.prepare()
from pathlib import Path
from django_observe import export, ledgermetrics, metrics, valuefiles

begin = ledgermetrics.LedgerMetrics._begin

def counted(self, signal):
    print(os.getpid(), signal, flush=True)
    begin(self, signal)

ledgermetrics.LedgerMetrics._begin = counted

def work():
    for _ in range(3):
        metrics.mirror()
    path = multiprocess.directory() / f"counter_{os.getpid()}.db"
    zeros = [value for text, (value, _) in valuefiles.read(path) if '"traces"' in text]
    print(len(zeros), any(zeros), flush=True)

export.pipeline("traces")
work()
pid = in_child(work)
print(os.getpid(), pid)
print(len([line for line in page().splitlines() if line.startswith("observe_telemetry_dropped_total{")]))
"""


def test_the_ledgers_counters_start_at_0_once_in_each_process(tmp_path: Path) -> None:
    first, zeros, second, its_zeros, pids, shown = python(BEGUN, OBSERVE_METRICS_DIR=str(tmp_path))
    assert [first, second] == [f"{pid} traces" for pid in pids.split()]
    assert zeros == its_zeros == "10 False", "accepted, exported, and eight reasons, `killed` among them"
    assert shown == "8"


def test_a_file_that_grows_while_it_is_read_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its writer makes it longer, and then tells of another entry: how long it was is no bound any more."""
    path = tmp_path / "counter_4242.db"
    file = MmapedDict(str(path))  # type: ignore[no-untyped-call]

    def write(until: int) -> None:
        while file._used < until:
            key = mmap_key("made", "made_total", ["by"], [f"{file._used:0500d}"], "")
            file.write_value(key, 1.0, 0.0)  # type: ignore[no-untyped-call]

    write(path.stat().st_size - 600)
    fstat = os.fstat

    def grows(descriptor: int) -> os.stat_result:
        found = fstat(descriptor)
        monkeypatch.undo()
        write(found.st_size + 600)
        return found

    monkeypatch.setattr(os, "fstat", grows)
    counted = reporting.failures()
    assert len(list(valuefiles.read(path))) > 10
    assert reporting.failures() == counted
    file.close()  # type: ignore[no-untyped-call]
