"""What is done: ids of uploads that say by themselves whose they are.

To begin an upload nothing is written: most are finished, or abandoned, by the next request. The id
tells when it was given to whom, and a signature that it was. Source: docs/decisions/0027.
"""

import hashlib
import hmac
import os

from harbor.artifacts.schemas import Place
from harbor.core import clock

DAY_S = 24 * 3600
TIME = 4  # bytes, of seconds since 1970
CHANCE = 6  # bytes
SIGNATURE = 6  # bytes; who could forge it would begin an upload of their own, no more


class UploadIds:
    def __init__(self, key: bytes, idle_s: int) -> None:
        """Uploads to which nothing is sent are forgotten after *idle_s*, and after a day."""
        self._key = key
        self._life_s = min(idle_s, DAY_S)

    def new(self, place: Place, username: str) -> str:
        begun = int(clock.now().timestamp()).to_bytes(TIME, "big") + os.urandom(CHANCE)
        return begun.hex() + self._signature(begun, place, username)

    def is_fresh(self, upload_id: str, place: Place, username: str) -> bool:
        """Whether the id was given to *username*, for *place*, not long ago.

        Whoever sends nothing, or is done with it already, has it all the same.
        """
        if upload_id < oldest(self._life_s):
            return False
        begun = bytes.fromhex(upload_id[: 2 * (TIME + CHANCE)])
        signed = upload_id[2 * (TIME + CHANCE) :]
        return hmac.compare_digest(signed, self._signature(begun, place, username))

    def _signature(self, begun: bytes, place: Place, username: str) -> str:
        told = f"{place.project_id}\n{place.repository}\n{username}".encode()
        return hashlib.blake2b(begun + told, digest_size=SIGNATURE, key=self._key).hexdigest()


def oldest(life_s: int) -> str:
    """What all ids begin with, or come after, that were given in the last *life_s* seconds."""
    return f"{int(clock.now().timestamp()) - life_s:0{2 * TIME}x}"
