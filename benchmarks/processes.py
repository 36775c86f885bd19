"""A server under measurement: started, pinned, looked at, stopped."""

import contextlib
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.crash.server import pids_of

SERVER_CORE, DRIVER_CORE = "0", "1"
RESET_PEAK = "5"  # Linux, proc(5): what /proc/PID/clear_refs is told


class Failed(Exception):
    """A server or a client did not do what it was asked to; figures would mean nothing."""


def pinned(core: str, command: Sequence[str]) -> list[str]:
    return ["taskset", "--cpu-list", core, *command]


@dataclass
class Process:
    """A process group, with its output in a file."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def pids(self) -> list[int]:
        return pids_of(self.process.pid)

    def cpu_s(self) -> float:
        """Processor seconds of all its processes, ended threads included, to the nanosecond."""
        return sum(cpu_of(pid) for pid in self.pids())

    def reset_peak(self) -> None:
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text(RESET_PEAK)

    def rss(self) -> int:
        """Bytes that its processes hold now."""
        return sum(memory(pid, "VmRSS") for pid in self.pids())

    def peak_rss(self) -> int:
        """Bytes that its processes held at most since ``reset_peak``, each at its own moment."""
        return sum(memory(pid, "VmHWM") for pid in self.pids())

    def check_alive(self) -> None:
        if self.process.poll() is not None:
            raise Failed(f"the server has ended:\n{self.output()}")

    def output(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        self._signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.process.wait(10)
        while self.pids():
            self._signal(signal.SIGKILL)
            time.sleep(0.01)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def start(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return Process(process, log)


def end_in_order() -> None:
    """Let SIGTERM end this process as an error does, so that its servers are stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def cpu_of(pid: int) -> float:
    """Source: Linux include/linux/posix-timers.h, ``make_process_cpuclock``, CPUCLOCK_SCHED."""
    return time.clock_gettime((~pid << 3) | 2)


def memory(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(found[1]) * 1024 if found else 0


def children_cpu_s() -> float:
    """Processor seconds of the clients that were run, and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def busy_s() -> float:
    """Processor seconds of the whole machine that were not idle. Source: Linux proc(5), stat."""
    user, nice, system, _idle, _wait, *rest = Path("/proc/stat").read_text().split()[1:9]
    return sum(map(int, (user, nice, system, *rest))) / os.sysconf("SC_CLK_TCK")
