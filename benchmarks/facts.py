"""On what was measured: the machine, and the versions of both."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import harbor

PEER_MODULE = "github.com/distribution/distribution/v3"
NOTES = """\
Both servers run in the same session, in turn, on the same disk and file system; content that is
read lies in the page cache for both. Each server is pinned to core 0, the driver to core 1; only
the rows that say so, and those about workers, pin nothing. Both check RS256 tokens (in skopeo's
rows the peer checks none). The same token is used again and again, as one client does; ours
remembers that it was verified. Neither writes an access log. Each push goes to a new server on a
new folder, after a sync; both servers sync what they acknowledge. Processor time is that of the
server's processes: what the kernel does for them later, as writing back, is not in it. The driver
sends a small request in one write, with TCP_NODELAY, and looks at status and length of the answer
only; the bytes of a pull are thrown away in the kernel (MSG_TRUNC), for to copy them costs the
driver as much as it costs ours to send them, and it is woken for each MiB (SO_RCVLOWAT), for to
wake it for each packet costs the server; skopeo's rows show what a client gains that copies,
hashes and writes. What is read is compared with what was pushed once, before the clock starts.
Shares of the driver and of other programs are of one core; where others take much, only processor
time can be compared.
"""


def facts() -> dict[str, str]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "load before": f"{os.getloadavg()[0]:.2f}",
        "kernel": f"{platform.system()} {platform.release()}",
        "ours": f"harbor-registry {harbor.__version__}, Python {platform.python_version()}",
        "peer": f"CNCF distribution {peer_version()}",
        "skopeo": output("skopeo", "--version").removeprefix("skopeo version "),
    }


def processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    return found[1] if found else platform.machine()


def peer_version() -> str:
    pinned = (Path(__file__).parent / "peer" / "go.mod").read_text()
    found = re.search(rf"{re.escape(PEER_MODULE)} (v\S+)", pinned)
    return found[1] if found else "of unknown version"


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
