"""What one of several worker processes serves, as its environment says."""

import ctypes
import signal

from harbor.core import memory

memory.tune()
from harbor.app import Building  # noqa: E402, after that
from harbor.core import logs  # noqa: E402
from harbor.core.express import serving  # noqa: E402
from harbor.core.settings import from_environment  # noqa: E402
from harbor.server import limits_of  # noqa: E402

PR_SET_PDEATHSIG = 1  # Linux, prctl(2)
# A worker must not outlive its parent: it would keep the port, and a new start would fail.
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

settings = from_environment()
logs.set_up(settings.log_level)
app = Building(settings)
Protocol = serving(limits_of(settings), app.front)
memory.settle()
