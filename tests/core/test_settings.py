from pathlib import Path
from typing import Any

import msgspec
import pytest

from harbor.core.settings import Settings, SettingsError, environment, load, read_file


def test_without_being_told_anything_there_are_settings() -> None:
    settings = load({}, {})
    assert settings == Settings()
    assert settings.database == f"sqlite:///{Path.cwd()}/harbor-data/harbor.db"
    assert not settings.tls


def test_an_option_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "harbor.toml"
    file.write_text('host = "file"\nport = 1\nworkers = 2\n')
    settings = load({"host": "option"}, {"HARBOR_HOST": "env", "HARBOR_PORT": "3"}, file)
    assert (settings.host, settings.port, settings.workers) == ("option", 3, 2)


def test_an_option_that_was_not_given_and_a_variable_that_is_empty_say_nothing() -> None:
    assert load({"port": None}, {"HARBOR_HOST": ""}).port == Settings().port


def test_other_variables_are_not_ours() -> None:
    assert load({}, {"PORT": "1", "HARBOR_SOMETHING_ELSE": "x"}) == Settings()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("h.toml", "port = 9\naccess_log = true"),
        ("h.yaml", "port: 9\naccess_log: true"),
        ("h.yml", "port: 9\naccess_log: true"),
    ],
)
def test_a_file_is_toml_or_yaml(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert load({}, {}, tmp_path / name) == Settings(port=9, access_log=True)


@pytest.mark.parametrize("name", ["empty.toml", "empty.yaml"])
def test_an_empty_file_says_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert read_file(tmp_path / name) == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("h.toml", "port ="),
        ("h.yaml", "port: ["),
        ("h.yaml", "- port"),
        ("h.yaml", "just words"),
        ("h.yaml", "!!python/object/apply:os.getcwd []"),
    ],
)
def test_a_file_that_makes_no_sense_is_named(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError, match=name):
        load({}, {}, tmp_path / name)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"missing\.toml"):
        load({}, {}, tmp_path / "missing.toml")


def test_a_key_that_nobody_knows_is_named(tmp_path: Path) -> None:
    (tmp_path / "h.toml").write_text("prot = 9")
    with pytest.raises(SettingsError, match="prot"):
        load({}, {}, tmp_path / "h.toml")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "http"),
        ("WORKERS", "0"),
        ("DATA_DIR", None),
        ("EXTERNAL_URL", "reg.example.com"),
        ("EXTERNAL_URL", "https://reg.example.com/path"),
        ("MAX_CONNECTIONS", "0"),
        ("LOG_LEVEL", "loud"),
        ("ACCESS_LOG", "perhaps"),
        ("UPLOAD_IDLE_S", "59"),
        ("DISK_RESERVE", "-1"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(variable: str, value: str | None) -> None:
    options = {"data_dir": ""} if value is None else {}
    with pytest.raises(SettingsError, match=variable.lower()):
        load(options, {} if value is None else {f"HARBOR_{variable}": value})


@pytest.mark.parametrize("one", ["tls_cert", "tls_key"])
def test_a_certificate_and_its_key_go_together(one: str) -> None:
    with pytest.raises(SettingsError, match="go together"):
        load({one: "file.pem"}, {})
    assert load({"tls_cert": "a.pem", "tls_key": "b.pem"}, {}).tls


def test_a_database_that_is_named_is_used() -> None:
    assert load({"database_url": "postgresql://db/harbor"}, {}).database == "postgresql://db/harbor"


def test_the_data_folder_is_absolute_and_knows_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert Settings(data_dir="~/data").data == Path("/home/ann/data")
    assert Settings(data_dir="data").data.is_absolute()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"port": 0, "workers": 4, "access_log": True, "failed_login_delay_s": 0.25},
        {"external_url": "https://reg.example.com", "admin_password": "pass word=1"},
        {"tls_cert": "/c.pem", "tls_key": "/k.pem", "disk_reserve": 0},
    ],
)
def test_settings_survive_the_way_to_a_worker_process(changes: dict[str, Any]) -> None:
    settings = Settings(**changes)
    assert load({}, environment(settings)) == settings


def test_every_setting_is_described() -> None:
    described = msgspec.json.schema(Settings)["$defs"]["Settings"]["properties"]
    assert all(field.get("description") for field in described.values())
