"""Runs on a Dask cluster: the same runs, on machines that the user trusts with them.

The scheduler and its workers are the user's; none is ever started silently. Before the first run every
worker's versions are compared with those here, since another library may round another way. A run lost with
its worker is made again elsewhere by the scheduler; the numbers cannot depend on where a run is made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sim.errors import Fault, InputError
from sim.study.results import versions
from sim.study.runs import Crew, Progress, Run, Settings, Task, one_line, simulate

if TYPE_CHECKING:
    from sim.scenario import Scenario

CONNECT_SECONDS = 15
AHEAD = 3
"""Runs handed to the scheduler for each thread of the cluster, so that no worker waits for the next."""


class OnCluster(Crew):
    """Runs on the workers of a Dask scheduler."""

    def __init__(
        self,
        scenarios: tuple[Scenario, ...],
        tasks: list[Task],
        settings: Settings,
        address: str,
        progress: Progress,
        keep: Callable[[Task, Run], None],
    ) -> None:
        super().__init__(scenarios, tasks, settings, 1, progress, keep)
        self.client = connected(address)
        self.under_way: dict[str, Task] = {}

    def _work(self) -> None:
        from distributed import as_completed

        waiting, total = deque(self.tasks), len(self.tasks)
        ahead = AHEAD * max(sum(self.client.nthreads().values()), 1)
        try:
            queue = as_completed([self._submit(waiting.popleft()) for _ in range(min(ahead, total))])
            for future in queue:
                task = self.under_way.pop(future.key)
                self.take(task, self._run_of(future, task))
                self.progress(self.done, total)
                future.release()
                if waiting:
                    queue.add(self._submit(waiting.popleft()))
        finally:
            self.client.cancel(list(self.client.futures))
            self.client.close()

    def _submit(self, task: Task) -> Any:
        key = f"cardbreak-{self.scenarios[task.scenario].name}-{task.draw}-{task.replicate}"
        future = self.client.submit(
            simulate, self.scenarios[task.scenario], task, self.settings, key=key, pure=False
        )
        self.under_way[future.key] = task
        return future

    def _run_of(self, future: Any, task: Task) -> Run:
        if future.status == "finished":
            run: Run = future.result()
            return run
        problem = future.exception()
        error = one_line(problem) if problem is not None else "cancelled"
        return Run(self.scenarios[task.scenario].name, task.replicate, task.draw, error=error)


def connected(address: str) -> Any:
    """A client of the scheduler at ``address``, all of whose workers have our versions.

    Raises `InputError` where there is none, where it has no worker, or where versions differ.
    """
    try:
        from distributed import Client
    except ImportError:
        mend = "Install it with: pip install 'cardbreak[cluster]'."
        raise _refusal(address, "needs Dask, which is not installed", mend) from None
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError) as problem:
        mend = "Start one with `dask scheduler`, and give its address, such as tcp://node1:8786."
        raise _refusal(address, f"no scheduler answers ({one_line(problem)})", mend) from problem
    theirs: Mapping[str, Mapping[str, str]] = client.run(versions)
    ours = versions()
    if not theirs:
        client.close()
        raise _refusal(address, "the scheduler has no worker", "Start some with `dask worker`.")
    for worker, found in sorted(theirs.items()):
        odd = [
            f"{name} {found.get(name)}, here {ours[name]}" for name in ours if found.get(name) != ours[name]
        ]
        if odd:
            client.close()
            raise _refusal(worker, "has other versions: " + "; ".join(odd), "Install the same everywhere.")
    return client


def _refusal(address: str, what: str, mend: str) -> InputError:
    return InputError([Fault("--cluster", None, address[:80], what, mend)])
