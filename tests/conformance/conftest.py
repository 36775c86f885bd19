"""Every place for blobs. A new driver adds itself to ``MAKERS`` and passes what is asked of all."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harbor.core.storage.filesystem import FileStore
from harbor.core.storage.interface import Store
from harbor.core.storage.memory import MemoryStore

PATIENCE_S = 0.3
MAKERS: dict[str, Callable[[Path], FileStore | MemoryStore]] = {
    "filesystem": lambda root: FileStore(root, reserve=0, patience_s=PATIENCE_S),
    "memory": lambda _: MemoryStore(patience_s=PATIENCE_S),
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=MAKERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    store = MAKERS[request.param](tmp_path)
    yield store
    store.close()
