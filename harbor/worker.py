"""What one of several worker processes serves, as its environment says."""

import ctypes
import signal

from harbor.app import Building
from harbor.core import logs, memory
from harbor.core.express import serving
from harbor.core.settings import from_environment
from harbor.server import limits_of

PR_SET_PDEATHSIG = 1  # Linux, prctl(2)
# A worker must not outlive its parent: it would keep the port, and a new start would fail.
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

memory.tune()
settings = from_environment()
logs.set_up(settings.log_level)
app = Building(settings)
Protocol = serving(limits_of(settings), app.front)
