"""Runs on a Dask cluster: jobs handed to the workers of a scheduler that the user has started, and trusts.

The same run has the same numbers only where the same things run. So the scheduler and the workers are
compared with this process before the first job (:func:`identity`), and a worker again before each job, since
workers come and go. A worker makes one run at a time: a run needs a process of its own.

Only a few jobs for each worker are handed over ahead, and what is finished is taken off the cluster at once.
Dask repeats a job whose worker dies. One that workers die of again and again is taken apart at the end, when
nothing else is under way that could be blamed for it: each task alone, until the culprit is known.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import platform
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sim.errors import Fault, InputError
from sim.study.compiling import warm_up
from sim.study.crews import POLL_SECONDS, Crew, silent
from sim.study.one_run import Job, Run, Settings, failed, one_line, simulate_together

if TYPE_CHECKING:
    from distributed import Client, Future

PATIENCE_SECONDS = 10
"""How long a scheduler may take to answer."""

AHEAD = 2
"""Jobs handed over for each worker: one that it makes and one that waits."""

TOPIC, TELL_EVERY_SECONDS = "cardbreak", 1.0
"""Under which name, and how often, a worker says how far its job is."""

GO_ON = "What is finished is kept: mend it, and go on, with --resume where the command has that."
START = "Start one with dask scheduler, and give the address that it prints, as in tcp://10.0.0.5:8786."
SAME = "Give all of them the same environment, and start them again."


class ClusterLostError(Exception):
    """The scheduler does not answer any more."""


class UnfitError(Exception):
    """Raised in a worker that must not make runs."""


@cache
def identity() -> dict[str, str]:
    """What decides numbers in this process: versions, kind of processor, and a hash of all that is cardbreak.

    Taken once: a process goes on with the modules that it has loaded, whatever becomes of their files.
    """
    from sim.study.results import versions

    return versions() | {"processor": platform.machine(), "source of cardbreak": _source()}


def _source() -> str:
    """A short hash of the package and of the evidence that a model reads."""
    from sim.scenario import shipped_folder

    digest = hashlib.sha256()
    package, evidence = Path(__file__).resolve().parents[1], shipped_folder() / "evidence"
    for folder, pattern in ((package, "*.py"), (evidence, "*")):
        for file in sorted(path for path in folder.rglob(pattern) if path.is_file()):
            digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:12]


def unlike(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """What is not the same there as here, in words; empty where everything is."""
    names = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    told = [f"{name} {theirs.get(name, 'none')}, here {ours.get(name, 'none')}" for name in names]
    return "has " + "; ".join(told) if told else ""


def crowded(threads: int) -> str:
    """What is wrong with a worker of so many threads, in words; empty where it has one."""
    return "" if threads == 1 else f"has {threads} threads, and a run needs a process of its own"


class Cluster:
    """A connection to a scheduler; ``say`` is told, in a line, what the user should know meanwhile."""

    def __init__(self, client: Client, address: str, say: Callable[[str], None]) -> None:
        self.client = client
        self.address = address
        self.say = say

    def workers(self) -> int:
        """How many workers there are now. Raises `ClusterLostError`."""
        return len(self._threads())

    def check(self) -> None:
        """Refuse a cluster without workers, or one of which a part could make other numbers than this
        process.

        Raises
        ------
        InputError
            With a fault for each kind of difference, which names one of those that have it.
        """
        threads = self._threads()
        if not threads:
            mend = f"Start one or more: dask worker {self.address} --nthreads 1"
            raise self.refusal("has no workers", mend)
        found: dict[tuple[str, str], list[str]] = {}
        for who, answer in self._answers().items():
            if problem := _told(answer):
                found.setdefault((problem, SAME), []).append(who)
        for address, number in threads.items():
            if problem := crowded(number):
                mend = f"Start it with: dask worker {self.address} --nworkers {number} --nthreads 1"
                found.setdefault((problem, mend), []).append(f"worker {address}")
        if found:
            raise InputError(
                Fault(self._name, None, "", f"{_of(those)} {what}", mend)
                for (what, mend), those in found.items()
            )

    def refusal(self, what: str, mend: str) -> InputError:
        """Something is wrong with the cluster as a whole."""
        return InputError([Fault(self._name, None, "", what, mend)])

    @property
    def lost(self) -> bool:
        """Whether the scheduler has gone."""
        return bool(self.client.status != "running")

    @property
    def _name(self) -> str:
        return f"--cluster {self.address}"

    def _answers(self) -> dict[str, Any]:
        """The identity of the scheduler and of each worker, or the error that came instead."""
        with self._answering():
            try:
                scheduler: Any = self.client.run_on_scheduler(identity)
            except (ImportError, AttributeError) as problem:
                scheduler = problem
            workers = self.client.run(identity, on_error="return")
        return {"the scheduler": scheduler} | {f"worker {name}": own for name, own in workers.items()}

    def _threads(self) -> dict[str, int]:
        with self._answering():
            return dict(self.client.nthreads())

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Tell a scheduler that has gone from all else."""
        if self.lost:
            raise ClusterLostError
        try:
            yield
        except OSError as problem:
            raise ClusterLostError from problem


def _told(answer: Mapping[str, str] | Exception) -> str:
    """What is wrong with a process that gave this answer. One that has just gone is Dask's to deal with."""
    if isinstance(answer, OSError):
        return ""
    if isinstance(answer, ImportError):
        return f"cannot import cardbreak ({one_line(answer)})"
    return one_line(answer) if isinstance(answer, Exception) else unlike(identity(), answer)


def _of(names: list[str]) -> str:
    others = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    return f"{names[0]}{others}"


@contextmanager
def connected(address: str, say: Callable[[str], None]) -> Iterator[Cluster]:
    """A cluster by the address of its scheduler, checked; the connection is closed afterwards.

    Raises
    ------
    InputError
        Dask is not installed, no scheduler answers within `PATIENCE_SECONDS`, or the check refuses.
    """
    try:
        from distributed import Client
        from distributed.versions import VersionMismatchWarning
    except ImportError:
        mend = "Run make setup-studies, or pip install 'cardbreak[cluster]'."
        raise InputError([Fault("--cluster", None, "", "needs Dask, which is not installed", mend)]) from None
    for name in ("distributed", "distributed.client", "distributed.core", "distributed.comm"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what the user should know is told in a line
    try:
        if (kind := asyncio.run(_kind_at(address))) != "Scheduler":
            raise ValueError(f"a {kind} is at that address")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)  # what matters is compared here
            client = Client(address, timeout=PATIENCE_SECONDS, set_as_default=False, name="cardbreak")
    except Exception as problem:  # what cannot be read as an address raises whatever it likes
        what = f"no scheduler answers ({one_line(problem)})"
        raise InputError([Fault(f"--cluster {address}", None, "", what, START)]) from None
    with client:
        cluster = Cluster(client, address, say)
        cluster.check()
        yield cluster


async def _kind_at(address: str) -> str:
    """What answers at an address. A client would try for long where it is not a scheduler."""
    from distributed import Security, rpc

    keys = Security().get_connection_args("client")
    async with rpc(address, timeout=PATIENCE_SECONDS, connection_args=keys) as other:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return str((await other.identity())["type"])


class OnCluster(Crew):
    """Jobs on the workers of a cluster."""

    def __init__(self, cluster: Cluster, *common: Any) -> None:
        super().__init__(*common)
        self.cluster = cluster
        self.shares: dict[str, float] = {}
        self.alone = False

    def _work(self) -> None:
        self.cluster.client.subscribe_topic(TOPIC, self._hear)
        for job in self._through(self.jobs):
            for task in job:
                if self._through([(task,)]):
                    self.take(failed(task, "its worker died every time (killed, or out of memory)"))

    def _through(self, jobs: Iterable[Job]) -> list[Job]:
        """Have jobs made; return those that workers died of again and again."""
        waiting = deque(jobs)
        under_way: dict[str, tuple[Future, Job]] = {}
        finished: SimpleQueue[str] = SimpleQueue()
        deadly: list[Job] = []
        try:
            while waiting or under_way:
                self._hand_over(waiting, under_way, finished)
                self.progress(self.done + sum(self.shares.get(key, 0.0) for key in under_way), self.total)
                with suppress(Empty):
                    key = finished.get(timeout=POLL_SECONDS)
                    future, job = under_way.pop(key)
                    self.shares.pop(key, None)
                    if not self._taken(future):
                        deadly.append(job)
        finally:
            if under_way and not self.cluster.lost:
                self.cluster.client.cancel([future for future, _ in under_way.values()], force=True)
        return deadly

    def _hand_over(
        self, waiting: deque[Job], under_way: dict[str, tuple[Future, Job]], finished: SimpleQueue[str]
    ) -> None:
        """Keep the workers busy, and little waiting on the cluster."""
        workers = self.cluster.workers()
        if not workers and not self.alone:
            self.cluster.say("no worker is left; waiting for others (Ctrl-C ends, what is finished is kept)")
        self.alone = not workers
        while waiting and len(under_way) < AHEAD * workers:
            job = waiting.popleft()
            # A partial goes as it is; of plain arguments Dask would look for futures in every scenario.
            work = partial(_on_worker, job, self.settings, identity())
            future = self.cluster.client.submit(work, key=f"cardbreak-{uuid4()}")
            under_way[future.key] = future, job
            future.add_done_callback(lambda done: finished.put(done.key))

    def _taken(self, future: Future) -> bool:
        """Take the runs of a job; False if workers died of it. What else goes wrong ends the whole work."""
        from distributed import KilledWorker

        try:
            runs = future.result()
        except KilledWorker:
            return False
        except (Exception, CancelledError) as problem:
            self.cluster.check()  # knows better, where a worker should not be there or the scheduler has gone
            raise self.cluster.refusal(f"a job could not be made ({one_line(problem)})", GO_ON) from problem
        for run in runs:
            self.take(run)
        return True

    def _hear(self, event: tuple[float, tuple[str, float]]) -> None:
        """How far a job is, as its worker says."""
        _, (key, share) = event
        self.shares[key] = share


def _on_worker(job: Job, settings: Settings, ours: Mapping[str, str]) -> list[Run]:
    """In a worker: make the runs of a job, if it would make the same as the process that asks for them."""
    from distributed import get_worker

    worker = get_worker()
    problem = unlike(ours, identity()) or crowded(worker.state.nthreads)
    if problem:
        raise UnfitError(f"worker {worker.address} {problem}")
    last = time.monotonic()

    def report(share: float) -> None:
        nonlocal last
        if time.monotonic() - last > TELL_EVERY_SECONDS:
            last = time.monotonic()
            worker.log_event(TOPIC, (worker.get_current_task(), share))

    try:
        if settings.model is None:
            warm_up(silent)
        return list(simulate_together(job, settings, report))
    except Exception as error:  # one job must not lose the others
        return [failed(task, one_line(error)) for task in job]
