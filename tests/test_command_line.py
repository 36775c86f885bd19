"""The command line, as whoever runs the server types it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harbor import __version__
from harbor.__main__ import main
from harbor.core.settings import Settings, environment
from harbor.doors import operations
from tests.auth.test_second_factor import Account
from tests.conftest import SECRET, Start
from tests.make import ADMIN, bearer, make_user


def typed(*words: str, answer: str = "", **variables: str) -> Result:
    return CliRunner().invoke(main, words, input=answer, env=variables)


@pytest.fixture
def variables(settings: Settings) -> dict[str, str]:
    """What the environment says to a command about the test's server."""
    return environment(settings)


def test_the_version_is_told() -> None:
    assert typed("--version").output == f"harbor, version {__version__}\n"


def test_every_operation_is_printed() -> None:
    lines = typed("routes").output.splitlines()
    assert len(lines) == len(operations())
    assert any("create artifact" in line and "/manifests/" in line for line in lines)


def test_migrating_makes_the_database_and_shows_the_password_once(tmp_path: Path) -> None:
    data = {
        "HARBOR_DATA_DIR": str(tmp_path),
        "HARBOR_DATABASE_URL": "",
        "HARBOR_ADMIN_PASSWORD": "",
    }
    first = typed("migrate", **data)
    assert first.exit_code == 0
    assert "administrator admin, password " in first.output
    assert (tmp_path / "harbor.db").is_file()
    assert (tmp_path / "secret.key").stat().st_mode & 0o077 == 0
    assert "password" not in typed("migrate", **data).output


@pytest.mark.parametrize("given", ["", "Another-Passw0rd"])
def test_a_password_is_reset(start: Start, variables: dict[str, str], given: str) -> None:
    done = typed("admin", "reset-password", answer=f"{given}\n{given}\n", **variables)
    assert done.exit_code == 0, done.output
    password = given or done.output.rpartition(": ")[2].strip()
    client = start()
    assert client.get("/api/v2.0/users/current", auth=("admin", password)).status_code == 200
    assert client.get("/api/v2.0/users/current", auth=ADMIN).status_code == 401


@pytest.mark.parametrize(
    ("words", "answer", "complaint"),
    [
        (("--username", "nobody"), "Another-Passw0rd", "there is no account nobody"),
        ((), "short", "must be 8-128"),
    ],
)
def test_a_password_is_not_reset(
    variables: dict[str, str], words: tuple[str, ...], answer: str, complaint: str
) -> None:
    done = typed("admin", "reset-password", *words, answer=f"{answer}\n{answer}\n", **variables)
    assert done.exit_code == 1
    assert complaint in done.output


def test_commands_do_not_make_a_database_in_the_wrong_folder(tmp_path: Path) -> None:
    done = typed("admin", "rotate-keys", "--data-dir", str(tmp_path), HARBOR_DATABASE_URL="")
    assert done.exit_code == 1
    assert "there is no database at" in done.output
    assert not list(tmp_path.iterdir())


def test_a_lost_second_factor_is_removed(start: Start, variables: dict[str, str]) -> None:
    client = start()
    ann = make_user(client, "ann")
    Account(client, ann)
    assert client.get("/v2/", auth=ann).status_code == 401
    words = ("admin", "remove-second-factor", "--username", "ann")
    done = typed(*words, **variables)
    assert done.exit_code == 0, done.output
    assert client.get("/v2/", auth=ann).status_code == 200
    assert "there is no second factor" in typed(*words, **variables).output


def test_keys_are_rotated_and_nobody_is_logged_out(start: Start, variables: dict[str, str]) -> None:
    client = start()
    old = bearer(client, ADMIN)
    done = typed("admin", "rotate-keys", **variables)
    assert done.exit_code == 0, done.output
    assert client.get("/v2/", headers=old).status_code == 200
    assert SECRET not in done.output


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--port", "99999"), "settings: "),
        (("--port", "many"), "settings: "),
        (("--tls-cert", "a.pem"), "tls_cert and tls_key go together"),
        (("--database-url", "postgresql://nobody@127.0.0.1:1/x"), "Error: "),
        (("--external-url", "registry.example.com"), "settings: "),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(
    tmp_path: Path, words: tuple[str, ...], complaint: str
) -> None:
    done = typed("serve", "--data-dir", str(tmp_path), *words)
    assert done.exit_code == 1
    assert complaint in done.output
    assert len(done.output.splitlines()) == 1


def test_a_settings_file_counts_less_than_variables_and_options(tmp_path: Path) -> None:
    file = tmp_path / "harbor.toml"
    file.write_text(f'data_dir = "{tmp_path}/from-file"\nadmin_password = "{ADMIN[1]}"\n')
    data = {"HARBOR_DATABASE_URL": "", "HARBOR_DATA_DIR": ""}
    assert typed("migrate", "--config", str(file), **data).exit_code == 0
    assert (tmp_path / "from-file" / "harbor.db").is_file()
    data["HARBOR_DATA_DIR"] = str(tmp_path / "from-variable")
    assert typed("migrate", "--config", str(file), **data).exit_code == 0
    assert (tmp_path / "from-variable" / "harbor.db").is_file()
    option = ("--data-dir", str(tmp_path / "from-option"))
    assert typed("migrate", "--config", str(file), *option, **data).exit_code == 0
    assert (tmp_path / "from-option" / "harbor.db").is_file()
