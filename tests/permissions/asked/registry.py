from collections.abc import Callable

from tests.make import OCI_MANIFEST, Login, sha256
from tests.permissions.world import REPOSITORY, Request, World

EMPTY = sha256(b"")


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    name = world.fresh
    return {
        "getManifest": lambda: {"path": {"reference": world.digest()}},
        "putManifest": lambda: {
            "path": {"reference": name("tag")},
            "content": world.manifest(),
            "headers": {"Content-Type": OCI_MANIFEST},
        },
        "deleteManifest": lambda: {"path": {"reference": world.digest()}},
        "listReferrers": lambda: {"path": {"digest": EMPTY}},
        "listTagNames": lambda: {"path": {"name": REPOSITORY, "made": world.digest()}},
        "getBlob": lambda: {"path": {"digest": world.blob()}},
        "deleteBlob": lambda: {"path": {"digest": world.blob()}},
        "getUpload": lambda: {"path": {"upload_id": world.upload(login)}},
        "appendToUpload": lambda: {"path": {"upload_id": world.upload(login)}, "content": b"x"},
        "finishUpload": lambda: {
            "path": {"upload_id": world.upload(login)},
            "params": {"digest": EMPTY},
        },
        "cancelUpload": lambda: {"path": {"upload_id": world.upload(login)}},
    }
