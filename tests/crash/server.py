"""The server under test: a real process group that is started, killed and looked at."""

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HARBOR = Path(sys.executable).with_name("harbor")
PASSWORD = "Harbor12345"
HANGING_S = 30.0  # an answer that takes longer hangs; how fast one is, the benchmark says
PORTS = range(20_000, 32_000)  # below those that the kernel gives to outgoing connections


def free_port() -> int:
    for port in random.SystemRandom().sample(PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("no free port")


@dataclass
class Server:
    """`harbor serve` on one data folder; the port stays the same from start to start."""

    data: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    wrapper: tuple[str, ...] = ()  # a program that runs it, as strace does
    logs: Path | None = None  # where its output goes, if not beside the data
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def log(self) -> Path:
        return (self.logs or self.data.parent) / f"{self.data.name}-{self.port}.log"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def launch(self) -> None:
        """Start it, and do not wait."""
        clean = {name: text for name, text in os.environ.items() if not name.startswith("HARBOR_")}
        told = {
            "HARBOR_ADMIN_PASSWORD": PASSWORD,
            "HARBOR_DATA_DIR": str(self.data),
            "HARBOR_PORT": str(self.port),
            **self.settings,
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self.wrapper, HARBOR, "serve"],
                env=clean | {name: text for name, text in told.items() if text},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start(self, patience_s: float = 60) -> float:
        """Start it; return the seconds until it answered, without those it was kept waiting.

        Other programs may need the processors as well, which is no matter of ours.
        """
        began = time.monotonic()
        self.launch()
        self.wait_ready(patience_s)
        return time.monotonic() - began - self.starved_s()

    def wait_ready(self, patience_s: float = 60) -> None:
        deadline = time.monotonic() + patience_s
        while not self.is_ready():
            assert self._process is not None
            assert self._process.poll() is None, f"the server has ended:\n{self.output()[-4000:]}"
            assert time.monotonic() < deadline, f"not ready in time:\n{self.output()[-4000:]}"
            time.sleep(0.01)

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/v2/")
            return connection.getresponse().status == 401
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def kill(self) -> None:
        """End all its processes as a power cut would: without a word."""
        self.signal_group(signal.SIGKILL)
        self.wait(10)

    def kill_parent(self) -> None:
        """End the first process only, and look no more after the rest."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def stop(self, patience_s: float = 30) -> int:
        """Ask it to stop; return its exit code."""
        self.terminate()
        return self.wait(patience_s)

    def terminate(self) -> None:
        assert self._process is not None
        self._process.terminate()

    def wait(self, patience_s: float) -> int:
        """The exit code, once every process of the group has gone."""
        assert self._process is not None
        code = self._process.wait(patience_s)
        wait_until(lambda: not self.pids(), patience_s, "every process to end")
        return code

    def signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def clean_up(self) -> None:
        if self._process is not None:
            self.kill()

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def pids(self) -> list[int]:
        """The living processes of the group, the first one first."""
        return pids_of(self.pid)

    def starved_s(self) -> float:
        """For how long it could have run, and no processor was free: first one, then its workers."""
        first, *rest = [starved_s(pid) for pid in self.pids()] or [0.0]
        return first + max(rest, default=0.0)

    def rss(self) -> int:
        """Bytes of memory that the processes hold."""
        pages = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                total += len(os.listdir(f"/proc/{pid}/fd"))
        return total

    def uploads(self) -> list[Path]:
        """The files of uploads that are not finished."""
        return sorted((self.data / "uploads").iterdir())

    def blobs(self) -> list[Path]:
        return sorted(path for path in (self.data / "blobs").rglob("*") if path.is_file())


def wait_until(is_so: Callable[[], bool], patience_s: float, what: str) -> None:
    deadline = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline, f"waited {patience_s} s for {what}"
        time.sleep(0.01)


def pids_of(group: int) -> list[int]:
    return sorted(pid for pid, its_group in groups() if its_group == group)


def starved_s(pid: int) -> float:
    """Source: Linux Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat"."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except OSError:  # a kernel that does not count this, or a process that has ended
        return 0.0


def groups() -> Iterator[tuple[int, int]]:
    """Every living process, with the group that it belongs to."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            # The name, in parentheses, may hold anything; the fields after it are plain.
            rest = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            if rest[0] not in "ZX":
                yield int(entry), int(rest[2])
