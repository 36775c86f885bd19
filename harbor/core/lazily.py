"""Libraries that take megabytes, and that few servers ever use: loaded once they are needed."""

import asyncio
import sys
from importlib import import_module


async def loaded(name: str) -> None:
    """Load a module beside the event loop, so that an import statement then costs nothing."""
    if name not in sys.modules:
        await asyncio.to_thread(import_module, name)
