"""Batches on worker processes, of this machine or of a Dask cluster; the results are those of one process.

Workers need the same software and data, not the same disk: inputs travel with each task and arrays travel back, so
that only the process that started the run writes files. A worker that dies takes its batches with it and the
scheduler gives them to another.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module
from itertools import islice
from typing import Any

import pandas as pd

from experiments.ensemble.batches import Arrays, Batch, Execute, Job, Rows
from models.reading.faults import InputError

AHEAD = 2
"""Batches sent out per worker thread: one at work, one waiting; bounds the memory of everybody."""

JOIN_SECONDS = 60
"""How long to wait for a scheduler to answer and for a first worker."""

DEATHS = 10
"""Workers that may die over one batch before it is given up (local cluster; a remote scheduler has its own setting)."""


@contextmanager
def executor(workers: int, cluster: str | None) -> Iterator[Execute]:
    """An `Execute` on the cluster at an address, or on `workers` new processes of this machine.

    Raises InputError when no scheduler answers at the address or no worker joins it.
    """
    import dask

    distributed: Any = import_module("distributed")  # only half typed
    with ExitStack() as stack:
        if cluster is None:
            stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": DEATHS}))
            local = distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
            )
            client = stack.enter_context(distributed.Client(stack.enter_context(local)))
        else:
            try:
                client = stack.enter_context(distributed.Client(cluster, timeout=JOIN_SECONDS))
            except (OSError, ValueError) as fault:
                raise InputError(
                    f"no Dask scheduler answers at {cluster!r}: {fault}; allowed: tcp://host:port"
                ) from fault
        try:
            client.wait_for_workers(1, timeout=JOIN_SECONDS)
        except TimeoutError as fault:
            raise InputError(
                f"no worker joined {cluster or 'the local cluster'} in {JOIN_SECONDS} s; start one"
            ) from fault

        def execute(job: Job, todo: Sequence[Batch], design: Rows) -> Iterator[tuple[Batch, Arrays]]:
            return _execute(client, job, todo, design)

        yield execute


def _execute(client: Any, job: Job, todo: Sequence[Batch], design: Rows) -> Iterator[tuple[Batch, Arrays]]:
    """Batches as they come back, in any order."""
    waiting = iter(todo)

    def send() -> Iterator[Any]:
        for batch in waiting:
            yield client.submit(_work, job, batch, design(batch.start, batch.stop), pure=False, key=batch.file)

    sending = send()
    ahead = AHEAD * max(1, sum(client.nthreads().values()))
    by_key = {batch.file: batch for batch in todo}
    coming = import_module("distributed").as_completed(list(islice(sending, ahead)))
    for future in coming:
        batch, arrays = by_key[future.key], future.result()
        future.release()
        if (following := next(sending, None)) is not None:
            coming.add(following)
        yield batch, arrays


def _work(job: Job, batch: Batch, design: pd.DataFrame) -> Arrays:
    """On a worker: one batch, after making sure that the worker has the model and data of the run."""
    here = _checksums(job.checksums)
    if here != job.files:
        other = sorted(name for name in {*here, *job.files} if here.get(name) != job.files.get(name))
        raise RuntimeError(
            f"a worker has another {', '.join(other)} than this machine; install the same version on both"
        )
    return job(batch, design)


@cache
def _checksums(of: Any) -> dict[str, str]:
    """Once a process: the files do not change under a worker."""
    found: dict[str, str] = of()
    return found
