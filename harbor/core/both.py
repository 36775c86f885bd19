"""Operations: declared once, served for what belongs to the system and for what belongs to a
project.
"""

from collections.abc import Callable
from dataclasses import dataclass

from harbor.core.api import Audit, Declared, Handler, Routes
from harbor.core.errors import HarborError, NotFound
from harbor.core.openapi import camel
from harbor.core.security import project, system


@dataclass(frozen=True)
class Both:
    """What can be done with one resource, in two places; handlers ask ``ctx.project_id``."""

    routes: Routes
    resource: str  # as permissions and the names of handlers have it
    of_system: str  # where the resources of the system are
    of_project: str

    def on(
        self,
        method: str,
        path: str,
        action: str,
        *,
        fails: tuple[type[HarborError], ...] = (),
        audit: Audit | None = None,
        stream: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declare an operation of the system's resources, and the same of a project's."""

        def add(handler: Handler) -> Handler:
            told = Declared(allow=system(self.resource, action), fails=fails, stream=stream)
            if audit:
                told["audit"] = audit
            self.routes.on(method, self.of_system + path, **told)(handler)
            told["allow"] = project(self.resource, action)
            told["fails"] = tuple(dict.fromkeys((NotFound, *fails)))
            told["id"] = camel(handler.__name__.replace(self.resource, f"project_{self.resource}"))
            return self.routes.on(method, self.of_project + path, **told)(handler)

        return add
