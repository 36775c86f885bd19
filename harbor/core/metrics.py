"""Figures for Prometheus; loaded where they are asked for.

With several workers each keeps its own in a file of the folder that they were told, and whichever
is asked adds them up.
"""

import asyncio

import prometheus_client
from prometheus_client import CollectorRegistry, Gauge, Histogram, multiprocess

MEDIA_TYPE = prometheus_client.CONTENT_TYPE_LATEST
EVERY_S = 0.02

LAG = Histogram(
    "harbor_event_loop_lag_seconds",
    "How late the event loop came to something that was due.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
LAG_MAX = Gauge(
    "harbor_event_loop_lag_max_seconds",
    "The longest lag of the event loop since the start.",
    multiprocess_mode="max",
)


class LoopLag:
    """Looks fifty times a second whether the event loop is on time."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._due = self._longest = 0.0

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wait()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        self._due = self._loop.time() + EVERY_S
        self._timer = self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        lag_s = max(0.0, self._loop.time() - self._due)
        LAG.observe(lag_s)
        if lag_s > self._longest:
            self._longest = lag_s
            LAG_MAX.set(lag_s)
        self._wait()


def exposition(*, of_all_workers: bool) -> bytes:
    """Everything that is known, in Prometheus' text format."""
    if not of_all_workers:
        return prometheus_client.generate_latest()
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return prometheus_client.generate_latest(registry)
