"""Send a batch of requests; try again what failed in passing; keep every answer; give them back in order."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from artifacts.errors import StageError
from data_curation.llm_client.connection import Connection
from data_curation.llm_client.faults import REASONS, Fault
from data_curation.llm_client.requests import Failure, Outcome, Request, request_key
from data_curation.llm_client.server import ServerSettings
from data_curation.llm_client.settings import ModelSettings
from data_curation.llm_client.store import AnswerStore
from data_curation.llm_client.waits import Gate, wait_before

REPORTED_S = 15  # seconds between two lines of progress
log = logging.getLogger("rt")


@dataclass
class Counts:
    """What a batch took.

    Attributes:
        requests: Requests given.
        distinct: Without repetitions.
        kept: Of these, answered from the store.
        answered: Of these, answered by the server in this run.
        failed: Of these, without an answer at the end.
        calls: Calls sent; calls = answered + the sum of `faults`.
        faults: Calls that gave no answer, by reason.
    """

    requests: int = 0
    distinct: int = 0
    kept: int = 0
    answered: int = 0
    failed: int = 0
    calls: int = 0
    faults: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Batch:
    """One outcome a request, in the order of the requests, and what it took."""

    outcomes: list[Outcome]
    counts: Counts

    @property
    def failures(self) -> Counter[str]:
        """Reasons of the outcomes that are failures, one count a request."""
        return Counter(outcome.failure.reason for outcome in self.outcomes if outcome.failure is not None)


def complete(
    requests: Sequence[Request], model: ModelSettings, server: ServerSettings, store: AnswerStore, label: str = "llm"
) -> Batch:
    """Ask everything that the store does not know.

    Args:
        requests: What to ask; the same request twice is sent once.
        model: The model and its decoding.
        server: The server; not looked at where every answer is kept already.
        store: Kept answers; new ones are committed as they come.
        label: First word of the log's lines.

    Returns:
        One outcome a request, in the same order: the kept or new answer, or why there is none.

    Raises:
        UserError: the server refuses access, or knows no such model or address; settings of the server that cannot be.
        StageError: `give_up_after` requests in a row have failed. What was answered is kept in each case.
    """
    keys = [request_key(model, request) for request in requests]
    distinct = dict(zip(keys, requests, strict=True))
    outcomes = {key: Outcome(key, answer=answer) for key, answer in store.find(distinct).items()}
    run = _Run(model, server, store, label, Counts(len(requests), len(distinct), len(outcomes)))
    waiting = [(key, request) for key, request in distinct.items() if key not in outcomes]
    if waiting:
        outcomes |= _finished(run.ask(waiting))
    counts = run.counts
    if counts.calls != counts.answered + sum(counts.faults.values()):
        raise StageError(f"{counts.calls} calls are not answers plus faults", where=label)
    return Batch([outcomes[key] for key in keys], counts)


def _finished(coroutine: Coroutine[Any, Any, dict[str, Outcome]]) -> dict[str, Outcome]:
    """The result of a coroutine, also where an event loop runs already (a notebook)."""
    if not _in_event_loop():
        return asyncio.run(coroutine)
    result: list[Any] = []

    def work() -> None:
        try:
            result.append(asyncio.run(coroutine))
        except BaseException as error:
            result.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(result[0], BaseException):
        raise result[0]
    return result[0]


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class _Run:
    """One batch on its way."""

    def __init__(
        self, model: ModelSettings, server: ServerSettings, store: AnswerStore, label: str, counts: Counts
    ) -> None:
        self.model, self.server, self.store, self.label, self.counts = model, server, store, label, counts
        self._outcomes: dict[str, Outcome] = {}
        self._gate = Gate()
        self._failed_in_a_row: list[Failure] = []
        self._started = self._reported = time.monotonic()
        self._wanted = 0

    async def ask(self, waiting: Sequence[tuple[str, Request]]) -> dict[str, Outcome]:
        """Outcome of each request, by key."""
        self._wanted = len(waiting)
        queue = iter(waiting)
        async with Connection(self.model, self.server) as connection:
            workers = [
                asyncio.create_task(self._work(queue, connection))
                for _ in range(min(self.server.concurrency, len(waiting)))
            ]
            try:
                await asyncio.gather(*workers)
            finally:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        self._report(last=True)
        return self._outcomes

    async def _work(self, queue: Iterator[tuple[str, Request]], connection: Connection) -> None:
        for key, request in queue:
            outcome, calls = await self._ask(key, request, connection)
            if outcome.answer is not None:
                self.counts.answered += 1
                self._failed_in_a_row.clear()
                # what stands in the store, so that runs side by side end with the same answers
                outcome = Outcome(key, answer=self.store.keep(key, self.model, request, outcome.answer, calls))
            elif outcome.failure is not None:
                self.counts.failed += 1
                self.store.log_failure(key, self.model, request, outcome.failure, calls)
                self._give_up(outcome.failure)
            self._outcomes[key] = outcome
            self._report()

    async def _ask(self, key: str, request: Request, connection: Connection) -> tuple[Outcome, int]:
        """Outcome of one request, and the calls it took: at most `retries` + 1."""
        waited, call = 0.0, 0
        while True:
            await self._gate.passed()
            call += 1
            self.counts.calls += 1
            found = await connection.call(request)
            if not isinstance(found, Fault):
                return Outcome(key, answer=found), call
            self.counts.faults[found.reason] += 1
            wait = wait_before(self.server, key, call, found.retry_after)
            if not found.passes or call > self.server.retries or waited + wait > self.server.wait_budget_s:
                return Outcome(key, failure=Failure(found.reason, found.detail)), call
            waited += wait
            if found.retry_after:
                self._gate.close(found.retry_after)
            await asyncio.sleep(wait)

    def _give_up(self, failure: Failure) -> None:
        """Stop a run that gets nothing any more; once the server answers, a request it will not take tells nothing."""
        if REASONS[failure.reason] or not self.counts.answered:
            self._failed_in_a_row.append(failure)
        row = self._failed_in_a_row
        if len(row) >= self.server.give_up_after:
            reasons = ", ".join(f"{reason}: {count}" for reason, count in Counter(f.reason for f in row).items())
            raise StageError(
                f"{len(row)} requests in a row have failed ({reasons}); the last one: {row[-1].detail}",
                where=self.label,
                fix="see to the server, then run again: what was answered is kept and not asked again",
            )

    def _report(self, last: bool = False) -> None:
        now = time.monotonic()
        if not last and now - self._reported < REPORTED_S:
            return
        self._reported = now
        counts = self.counts
        done = counts.answered + counts.failed
        log.info(
            "%s: %d of %d requests done, %d failed, %d kept before, %d calls, %.1f requests/s",
            self.label,
            done,
            self._wanted,
            counts.failed,
            counts.kept,
            counts.calls,
            done / max(now - self._started, 1e-9),
        )
