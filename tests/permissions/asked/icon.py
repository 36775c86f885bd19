import base64
from collections.abc import Callable

from harbor.artifacts.service.details import OURS
from tests.make import (
    CONFIG,
    Login,
    descriptor,
    manifest_of,
    push_blob,
    put_manifest,
)
from tests.permissions.world import REPOSITORY, Request, World

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==")


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    def drawn() -> Request:
        layer = descriptor(PIXEL, "image/gif", annotations={f"{OURS}icon": ""})
        for data in (b"{}", PIXEL):
            push_blob(world.client, REPOSITORY, data)
        document = manifest_of(b"{}") | {"layers": [layer], "config": descriptor(b"{}", CONFIG)}
        assert put_manifest(world.client, REPOSITORY, "drawn", document).status_code == 201
        return {"path": {"digest": layer["digest"]}}

    return {"getIcon": drawn}
