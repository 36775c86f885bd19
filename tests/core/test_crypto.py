import asyncio
import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from harbor.core import crypto, hashes
from harbor.core.settings import SettingsError
from tests.conftest import CHEAP

PASSWORD = "Harbor12345"
SALT = "wmzIqHm2xBNVzfQOJIRYwXCNhzLzxJkM"


@pytest.fixture(autouse=True)
def _costs() -> Iterator[None]:
    """Hashes that cost what they cost in production; in other tests they are cheap."""
    hashes.passwords.cost(memory_kib=19_456, passes=2)
    yield
    hashes.passwords.cost(**CHEAP)


def hashed_by_harbor(version: str) -> str:
    """What Harbor has in its table, written as we keep it."""
    algorithm, rounds = {
        "sha1": ("sha1", 4096),
        "sha256": ("sha256", 4096),
        "pbkdf2_sha256": ("sha256", 600_000),
    }[version]
    key = hashlib.pbkdf2_hmac(algorithm, PASSWORD.encode(), SALT.encode(), rounds, dklen=16)
    return f"$harbor${version}${SALT}${key.hex()}"


def verify(password: str, kept: str | None) -> tuple[bool, str | None]:
    return asyncio.run(crypto.verify_password(password, kept))


@pytest.mark.parametrize("version", ["sha1", "sha256", "pbkdf2_sha256"])
def test_a_hash_of_harbors_verifies_and_is_upgraded(version: str) -> None:
    right, better = verify(PASSWORD, hashed_by_harbor(version))
    assert right
    assert better is not None
    assert better.startswith("$argon2id$")
    assert verify(PASSWORD, better) == (True, None)


@pytest.mark.parametrize("version", ["sha1", "sha256", "pbkdf2_sha256"])
def test_a_wrong_password_does_not_verify_and_upgrades_nothing(version: str) -> None:
    assert verify("Harbor12346", hashed_by_harbor(version)) == (False, None)


@pytest.mark.parametrize(
    ("version", "key"),
    [
        ("sha1", "dc79e76c88415c97eb089d9cc80b4ab0"),
        ("sha256", "83d3d6f3e7cacb040423adf7ced63d21"),
    ],
)
def test_the_examples_of_harbors_own_tests_verify(version: str, key: str) -> None:
    assert verify("content", f"$harbor${version}$salt${key}")[0]


def test_a_password_is_hashed_with_argon2id_a_fresh_salt_and_these_costs() -> None:
    one, other = (asyncio.run(crypto.hash_password(PASSWORD)) for _ in range(2))
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != other
    assert verify(PASSWORD, one) == (True, None)
    assert verify(PASSWORD.lower(), one) == (False, None)


def test_without_a_kept_hash_no_password_is_right() -> None:
    assert verify(PASSWORD, None)[0] is False


def test_a_name_that_is_unknown_costs_as_much_as_one_that_is_known() -> None:
    # Not a matter of time, which a busy machine would blur, but of the very same work. Asked of
    # another process, because hashes of tests are cheap.
    program = (
        "from harbor.core.crypto import *; from harbor.core.hashes import *;"
        "print(SOME_HASH, passwords.hash('a password'))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    unknown, known = (each.rsplit("$", 2)[0] for each in told.stdout.decode().split())
    assert unknown == known == "$argon2id$v=19$m=19456,t=2,p=1"


def test_hashing_leaves_the_event_loop_free() -> None:
    async def count_while_hashing() -> int:
        hashing = asyncio.create_task(crypto.hash_password(PASSWORD))
        turns = 0
        while not hashing.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert asyncio.run(count_while_hashing()) > 10


def test_a_generated_password_satisfies_harbors_rule() -> None:
    made = {crypto.generate_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert len(password) == 20
        assert any(map(str.islower, password))
        assert any(map(str.isupper, password))
        assert any(map(str.isdigit, password))


def test_what_a_box_closed_it_opens() -> None:
    box = crypto.Box("any key at all")
    closed = box.close("geheim ✓")
    assert "geheim" not in closed
    assert closed != box.close("geheim ✓")
    assert box.open(closed) == "geheim ✓"
    assert crypto.Box("any key at all").open(closed) == "geheim ✓"


def test_a_box_with_another_key_says_what_to_do() -> None:
    closed = crypto.Box("old").close("secret")
    with pytest.raises(SettingsError, match="HARBOR_SECRET_KEY"):
        crypto.Box("new").open(closed)


def test_what_was_tampered_with_does_not_open() -> None:
    box = crypto.Box("key")
    closed = box.close("secret")
    changed = closed[:-5] + ("A" if closed[-5] != "A" else "B") + closed[-4:]
    with pytest.raises(SettingsError):
        box.open(changed)


def test_secrets_are_equal_only_if_they_are_the_same() -> None:
    assert crypto.same("ä", "ä")
    assert not crypto.same("a", "b")
    assert not crypto.same("a", "ab")


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "data" / "secret.key"
    key = crypto.key_from(file)
    assert len(key) >= 43
    assert crypto.key_from(file) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_key_that_was_given_is_used(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    file.write_text("chosen by hand\n")
    assert crypto.key_from(file) == "chosen by hand"


def test_all_who_need_a_key_at_once_get_the_same_one(tmp_path: Path) -> None:
    for attempt in range(20):
        file = tmp_path / str(attempt) / "secret.key"
        start = Barrier(8)

        def race(file: Path = file, start: Barrier = start) -> str:
            start.wait()
            return crypto.key_from(file)

        with ThreadPoolExecutor(8) as pool:
            keys = [future.result() for future in [pool.submit(race) for _ in range(8)]]
        assert len(set(keys)) == 1
        assert list(file.parent.iterdir()) == [file]


def test_what_a_killed_process_left_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / f"secret.key.{os.getpid()}").write_text("half a k")
    assert len(crypto.key_from(tmp_path / "secret.key")) >= 43


def test_an_empty_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.key").touch()
    with pytest.raises(SettingsError, match="is empty"):
        crypto.key_from(tmp_path / "secret.key")


def test_each_purpose_has_a_key_of_its_own() -> None:
    one, other = crypto.Box("one"), crypto.Box("other")
    keys = {one.key_for("a"), one.key_for("b"), other.key_for("a"), crypto.Box("one").key_for("a")}
    assert len(keys) == 3
    assert {len(key) for key in keys} == {32}
