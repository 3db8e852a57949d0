"""Sweeps on a Dask cluster: the numbers of a sweep made here whatever dies, or a refusal in a line.

Scheduler and workers are processes of their own, as on a real cluster.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sim.console_sweep import SweepOptions
from sim.console_sweep import sweep as sweep_here
from sim.errors import InputError
from sim.study import cluster as on_cluster
from sim.study.cluster import Cluster, connected, crowded, identity, unlike
from sim.study.one_run import Run, Settings
from sim.study.runs import run_many, stream, tasks_of

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "promises"))
from fake_results import FakeModel, FakeScenario  # noqa: E402

EXPERIMENT = """\
scenarios: [card-broken-2020]
baseline: baseline
scale: 2000
start: 2020-09-01
end: 2020-10-31
replicates: 4
levers:
  of:
    outlets: {set: interventions.opening_suspension.outlets, values: [0, 620]}
"""
RUNS = 12
LABELS = ["scenario", "draw", "replicate", "month", "region"]


@dataclass(frozen=True)
class Started:
    """A cluster of these tests: its address, and its processes."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


def process(*words: str, **variables: str) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "promises")])
    quiet: dict[str, Any] = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "start_new_session": True,
    }
    environment = os.environ | {"PYTHONPATH": path} | variables
    return subprocess.Popen([sys.executable, "-m", "dask", *words], env=environment, **quiet)


@contextmanager
def cluster(folder: Path, workers: int, *options: str, deaths: int = 3) -> Iterator[Started]:
    """A scheduler that lets a job survive so many deaths of workers, with its workers, ended afterwards."""
    from distributed import Client

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, here = f"tcp://127.0.0.1:{port}", ("--host", "127.0.0.1", "--no-dashboard")
    allowed = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(deaths)}
    words = ("worker", address, *here, "--nthreads", "1", "--local-directory", str(folder), *options)
    scheduler = process("scheduler", "--port", str(port), *here, **allowed)
    started = Started(address, scheduler, [process(*words) for _ in range(workers)])
    try:
        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=60)
        yield started
    finally:
        for one in (*started.workers, started.scheduler):
            with suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)
            one.wait(30)


def sweep(folder: Path, out: str, *options: object) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "sim.cli", "sweep", "asked.yaml", "--out", out, *map(str, options)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(words, cwd=folder, env=environment, **pipes)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and what was said."""
    _, said = process.communicate(timeout=120)
    return process.returncode, said


def wait_for(parts: int, out: Path, process: subprocess.Popen[str]) -> None:
    started = time.monotonic()
    while len(list(out.glob("parts/*.parquet"))) < parts:
        assert process.poll() is None
        assert time.monotonic() - started < 120
        time.sleep(0.02)


def values(folder: Path) -> pd.DataFrame:
    """All rows of all parts, in the order of their labels."""
    return pd.read_parquet(folder / "parts").sort_values(LABELS, ignore_index=True)


def assert_whole(out: Path, whole: Path) -> None:
    """Every run is there once, with the bits of a sweep made here."""
    assert not values(out).duplicated(LABELS).any()
    pd.testing.assert_frame_equal(values(out), values(whole), check_exact=True)
    assert len((out / "log.jsonl").read_text().splitlines()) == RUNS


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an experiment and its sweep made here, `whole`."""
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "asked.yaml").write_text(EXPERIMENT)
    code, said = ended(sweep(folder, "whole", "--jobs", 1))
    assert code == 0, said
    return folder


def test_a_worker_killed_half_way_changes_no_bit(home: Path, tmp_path: Path) -> None:
    with cluster(tmp_path, 2, "--no-nanny") as started:
        under_way = sweep(home, "killed", "--cluster", started.address)
        wait_for(RUNS // 3, home / "killed", under_way)
        started.workers[0].send_signal(signal.SIGKILL)
        code, said = ended(under_way)
    assert code == 0, said
    assert "2 workers" in said
    assert_whole(home / "killed", home / "whole")


def test_without_its_scheduler_a_sweep_keeps_what_is_finished(home: Path, tmp_path: Path) -> None:
    with cluster(tmp_path, 1, "--no-nanny") as started:
        under_way = sweep(home, "lost", "--cluster", started.address)
        wait_for(3, home / "lost", under_way)
        started.scheduler.send_signal(signal.SIGKILL)
        code, said = ended(under_way)
    assert code == 1
    assert f"the scheduler {started.address} has gone: what is finished is kept" in said
    assert "Traceback" not in said
    before = {part.name: part.read_bytes() for part in (home / "lost" / "parts").glob("g*.parquet")}
    assert 3 <= len(before) < RUNS
    code, said = ended(sweep(home, "lost", "--jobs", 1, "--resume"))
    assert code == 0, said
    assert_whole(home / "lost", home / "whole")
    assert all((home / "lost" / "parts" / name).read_bytes() == content for name, content in before.items())


def work(at: Cluster, *names: str, **options: Any) -> list[Run]:
    """Runs of the stand-in for the model, made on a cluster."""
    done: list[Run] = []
    scenarios: list[Any] = [FakeScenario(name) for name in names]
    stream(tasks_of(scenarios, 2, None), Settings(model=FakeModel), done.append, cluster=at, **options)
    return sorted(done, key=lambda run: (run.scenario, run.replicate))


def test_what_kills_or_raises_loses_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker, which its nanny starts again; then the same with one that has come with other versions."""
    told: list[str] = []
    seen: list[tuple[float, int]] = []
    with cluster(tmp_path, 1, deaths=0) as started, connected(started.address, told.append) as at:
        runs = work(at, "dies", "fine", "raises", progress=lambda done, total: seen.append((done, total)))
        errors = {(run.scenario, run.replicate): run.error for run in runs if run.error}
        assert errors == {
            ("dies", 1): "its worker died every time (killed, or out of memory)",
            ("raises", 1): "RuntimeError: the books do not balance",
        }
        here: Any = run_many([FakeScenario("fine")], replicates=2, jobs=1, model=FakeModel).runs  # type: ignore[list-item]
        for run, own in zip([run for run in runs if run.scenario == "fine"], here, strict=True):
            pd.testing.assert_frame_equal(run.monthly, own.monthly, check_exact=True)
        assert seen[-1] == (6, 6)

        other = dict(identity()) | {"numpy": "0.1"}
        monkeypatch.setattr(on_cluster, "identity", lambda: other)
        with pytest.raises(InputError, match=r"worker tcp://\S+ has numpy \S+, here 0\.1.*--resume"):
            work(at, "fine")


class Answers:
    """Stands for a connection to a cluster whose scheduler and workers answer what a test says."""

    status = "running"

    def __init__(self, threads: dict[str, int], workers: dict[str, Any], scheduler: Any = None) -> None:
        self.threads, self.workers, self.scheduler = threads, workers, scheduler or dict(identity())

    def nthreads(self) -> dict[str, int]:
        return self.threads

    def run(self, _: Any, on_error: str) -> dict[str, Any]:
        assert on_error == "return"
        return self.workers

    def run_on_scheduler(self, _: Any) -> Any:
        if isinstance(self.scheduler, Exception):
            raise self.scheduler
        return self.scheduler


def refusal(*answers: Any) -> str:
    with pytest.raises(InputError) as refused:
        Cluster(Answers(*answers), "tcp://here:1", print).check()
    return str(refused.value)


SAME = dict(identity())


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (({}, {}), "tcp://here:1: has no workers. Start one or more: dask worker"),
        (
            ({"a": 1, "b": 1}, {"a": SAME | {"numba": "0.1"}, "b": SAME | {"numba": "0.1"}}),
            f"worker a (and 1 more) has numba 0.1, here {SAME['numba']}. Give all",
        ),
        (({"a": 1}, {"a": SAME | {"source of cardbreak": "f"}}), "worker a has source of cardbreak f, here"),
        (
            ({"a": 4}, {"a": SAME}),
            "worker a has 4 threads, and a run needs a process of its own. Start it with",
        ),
        (
            ({"a": 1}, {"a": ModuleNotFoundError("No module named 'sim'")}),
            "worker a cannot import cardbreak (ModuleNotFoundError: No module named 'sim')",
        ),
        (({"a": 1}, {"a": SAME}, ImportError("no sim")), "the scheduler cannot import cardbreak"),
    ],
)
def test_a_cluster_that_could_make_other_numbers_is_refused(answers: Any, said: str) -> None:
    text = refusal(*answers)
    assert said in text
    assert len(text.splitlines()) == 1


def test_a_cluster_of_the_same_is_taken_also_if_a_worker_has_just_gone() -> None:
    gone: Any = Answers({"a": 1, "b": 1}, {"a": SAME, "b": OSError("connection refused")})
    Cluster(gone, "tcp://here:1", print).check()
    assert unlike(SAME, SAME) == crowded(1) == ""


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:1", ""])
def test_where_no_scheduler_answers_it_is_said_in_a_line(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_cluster, "PATIENCE_SECONDS", 0.5)
    with pytest.raises(InputError, match="no scheduler answers") as refused, connected(address, print):
        pass
    assert len(str(refused.value).splitlines()) == 1


def test_without_dask_it_is_said_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match="make setup-studies"), connected("tcp://here:1", print):
        pass


def test_processes_here_and_a_cluster_exclude_each_other(home: Path) -> None:
    options = SweepOptions(
        2, home / "both", resume=False, expand=False, quiet=True, json=False, dry_run=True, cluster="a"
    )
    with pytest.raises(InputError, match="does not go with --jobs"):
        sweep_here(str(home / "asked.yaml"), options)


def test_the_recipe_for_slurm_asks_for_workers_of_one_thread() -> None:
    """The Python block of the documentation, without SLURM: only its last lines would submit jobs."""
    text = (ROOT / "docs" / "studies.md").read_text()
    recipe = (
        text[text.index("from dask_jobqueue") : text.index("cluster.scale(")] + "print(cluster.job_script())"
    )
    done = subprocess.run(
        [sys.executable, "-c", recipe], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "#SBATCH" in done.stdout
    assert "--nthreads 1" in done.stdout
