"""What happened, told upwards: a room tells, and rooms above that it does not know listen.

A listener writes with the teller's pen, so what it adds is kept or lost with the rest.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from harbor.core.quick import Pen

Listener = Callable[[Pen, Any], Awaitable[None]]


class Events:
    """Who listens to which kind of event; the building wires it once."""

    def __init__(self) -> None:
        self._listeners: dict[type, list[Listener]] = defaultdict(list)

    def on(self, kind: type, listener: Listener) -> None:
        self._listeners[kind].append(listener)

    async def tell(self, pen: Pen, event: object) -> None:
        """Let all who listen write what follows from *event*; they may refuse by raising."""
        for listener in self._listeners.get(type(event), ()):
            await listener(pen, event)
