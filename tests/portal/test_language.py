"""Which language, zone and form of dates a reader gets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel import dates
from markupsafe import Markup
from starlette.testclient import TestClient

from harbor.core import clock, html, i18n
from harbor.core.errors import NotFound
from harbor.core.i18n import Code, Reader

NOON = datetime(2024, 6, 1, 12, 0, 5, tzinfo=UTC)
SIGN_IN = "\u767b\u5f55"


@pytest.fixture
def read_as() -> Iterator[None]:
    token = i18n.reader.set(Reader())
    yield
    i18n.reader.reset(token)


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("", "en-us"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-cn"),
        ("zh", "zh-cn"),
        ("zh-Hans-CN", "zh-cn"),
        ("en;q=0.5, zh-CN;q=0.9", "zh-cn"),
        ("en-GB,zh;q=0.5", "en-us"),
        ("tlh, zh;q=0.1", "zh-cn"),
        ("*", "en-us"),
        ("zh;q=high", "en-us"),
        ("\x00;q=;q=,,,", "en-us"),
    ],
)
def test_the_browser_says_which_language(accepted: str, code: str) -> None:
    assert i18n.reader_of({}, accepted).language == code


def test_a_language_that_nobody_translated_is_not_offered() -> None:
    untranslated = [code for code in i18n.LANGUAGES if code not in i18n.offered()]
    assert set(i18n.offered()) >= {"en-us", "zh-cn"}
    for code in untranslated:
        assert i18n.reader_of({"harbor-lang": code}, "").language == "en-us"


def test_the_choice_goes_before_the_browser() -> None:
    assert i18n.reader_of({"harbor-lang": "en-us"}, "zh-CN").language == "en-us"
    assert i18n.reader_of({"harbor-lang": "../x"}, "zh-CN").language == "zh-cn"


@pytest.mark.parametrize(
    ("told", "zone"),
    [
        ("Asia/Shanghai", ZoneInfo("Asia/Shanghai")),
        ("Nowhere/Land", UTC),
        ("../../etc/passwd", UTC),
        ("/etc/localtime", UTC),
        ("", UTC),
    ],
)
def test_times_are_in_the_zone_of_the_browser(told: str, zone: object) -> None:
    assert i18n.reader_of({"harbor-zone": told}, "").zone == zone


@pytest.mark.parametrize(
    ("reader", "shown"),
    [
        (Reader(), "Jun 1, 2024 12:00\u202fPM"),
        (Reader(iso=True), "2024-06-01 12:00"),
        (Reader(iso=True, zone=ZoneInfo("Asia/Shanghai")), "2024-06-01 20:00"),
        (Reader(Code("zh-cn")), "2024\u5e746\u67081\u65e5 12:00"),
    ],
)
@pytest.mark.usefixtures("read_as")
def test_moments_are_written_as_the_reader_likes(reader: Reader, shown: str) -> None:
    i18n.reader.set(reader)
    assert i18n.moment(NOON) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (3725, "1h 2m"), (86_403, "1d"), (90_000, "1d 1h")],
)
def test_spans_are_short(seconds: int, shown: str) -> None:
    assert i18n.duration(seconds) == shown


@pytest.mark.parametrize(
    ("nbytes", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (5 * 2**30, "5 GiB"),
        (999 * 2**20, "999 MiB"),
        (2**60, "1024 PiB"),
        (-1024, "-1 KiB"),
    ],
)
def test_sizes_are_short(nbytes: int, shown: str) -> None:
    assert i18n.size(nbytes) == shown


@pytest.mark.usefixtures("read_as")
def test_how_long_ago_is_said_in_words() -> None:
    assert i18n.ago(clock.now() - timedelta(minutes=3)) == "3 minutes ago"
    assert i18n.short_number(12_345) == "12.3K"
    assert i18n.number(1234567) == "1,234,567"


def test_pages_are_in_the_language_of_the_reader(client: TestClient) -> None:
    text = client.get("/account/sign-in", headers={"Accept-Language": "zh-CN"}).text
    assert '<html lang="zh-cn"' in text
    assert SIGN_IN in text
    assert "Sign in" not in text
    assert "Sign in" in client.get("/account/sign-in").text


def test_preferences_are_kept_in_the_browser(client: TestClient) -> None:
    form = {
        "language": "zh-cn",
        "dates": "iso",
        "theme": "dark",
        "pull_with": "other",
        "pull_other": "skopeo",
        "back": "/account/sign-in",
    }
    answer = client.post("/account/preferences", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account/sign-in")
    text = client.get("/account/preferences").text
    assert 'lang="zh-cn" data-theme="dark"' in text
    assert 'value="iso" checked' in text
    assert 'value="skopeo"' in text


def test_what_is_not_sent_stays_as_it_was(client: TestClient) -> None:
    client.post("/account/preferences", data={"language": "zh-cn"})
    client.post("/account/preferences", data={"theme": "dark"})
    client.post("/account/preferences", data={"theme": "system"})
    text = client.get("/account/preferences").text
    assert 'lang="zh-cn"' in text
    assert "data-theme" not in text


def test_preferences_lead_to_no_other_site_and_hold_no_command(client: TestClient) -> None:
    form = {"back": "//evil.example", "pull_with": "other", "pull_other": "x; rm -rf"}
    answer = client.post("/account/preferences", data=form)
    assert answer.headers["Location"] == "/"
    assert "rm -rf" not in answer.headers.get("set-cookie", "")


def test_with_scripts_the_page_is_shown_anew(client: TestClient) -> None:
    answer = client.post(
        "/account/preferences", data={"theme": "dark"}, headers={"HX-Request": "true"}
    )
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")


@pytest.mark.usefixtures("read_as")
def test_a_phrase_is_english_until_a_page_tells_it() -> None:
    phrase = i18n.Phrase("project %(project)s not found", project="50%")
    assert phrase == str(NotFound(phrase)) == "project 50% not found"
    i18n.reader.set(i18n.Reader(i18n.Code("zh-cn")))
    assert str(NotFound(phrase)) == "project 50% not found"
    assert NotFound(phrase).told == "找不到项目 50%"
    assert NotFound("as it is").told == "as it is"


@pytest.mark.parametrize("code", i18n.LANGUAGES)
@pytest.mark.usefixtures("read_as")
def test_moments_are_written_as_babel_writes_them(code: Code) -> None:
    who = Reader(code, zone=ZoneInfo("Asia/Shanghai"))
    i18n.reader.set(who)
    for hours in range(0, 48, 5):
        at = NOON + timedelta(hours=hours, minutes=7 * hours)
        local = at.astimezone(who.zone)
        on = dates.format_date(local, "medium", locale=who.locale)
        shown = dates.format_time(local, "short", tzinfo=who.zone, locale=who.locale)
        exact = dates.format_time(local, "medium", tzinfo=who.zone, locale=who.locale)
        assert i18n.moment(at) == f"{on} {shown}"
        assert i18n.moment(at, seconds=True) == f"{on} {exact}"
        assert i18n.day(at) == i18n.date(local.date()) == on


@pytest.mark.usefixtures("read_as")
def test_numbers_are_written_anew_for_each_language() -> None:
    assert (i18n.number(12_345), i18n.size(1536)) == ("12,345", "1.5 KiB")
    i18n.reader.set(Reader(Code("de-de")))
    assert (i18n.number(12_345), i18n.size(1536)) == ("12.345", "1,5 KiB")


@pytest.mark.usefixtures("read_as")
def test_a_timestamp_says_the_moment_to_people_and_to_programs() -> None:
    i18n.reader.set(Reader(iso=True))
    shown = html.environment().filters["day"](NOON)
    assert type(shown) is Markup
    assert shown == (
        '<time datetime="2024-06-01T12:00:05.000Z" title="2024-06-01 12:00:05">2024-06-01</time>'
    )
    said = html.timestamp(lambda _at: "<b>")(NOON)
    assert said.endswith(">&lt;b&gt;</time>")


def test_values_in_a_text_are_escaped() -> None:
    assert html.translated("of %(name)s", name="<b>") == "of &lt;b&gt;"
    assert html.translated("of %(name)s", name=Markup("<b>")) == "of <b>"
    assert html.translated("100 %%") == "100 %"
    assert html.counted("%(num)s of %(name)s", "%(num)s of %(name)s", 2, name="<") == "2 of &lt;"
