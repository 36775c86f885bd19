"""Icons: ours, and those that artifacts bring along."""

import base64
import io
import random
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from harbor.artifacts.service import details
from tests.artifacts.layers import push
from tests.artifacts.rest import get
from tests.make import (
    ADMIN,
    API,
    CONFIG,
    Login,
    add_member,
    error_of,
    make_user,
    push_image,
    push_referrer,
    sha256,
)
from tests.registry.servers import project_of

pytestmark = pytest.mark.once

MARK = {"io.goharbor.artifact.v1alpha1.icon": ""}
MISSING = (404, "NOT_FOUND")


def picture(size: tuple[int, int] = (120, 60), form: str = "PNG", **more: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(file, form, **more)
    return file.getvalue()


def ask(client: TestClient, digest: str, login: Login | None = ADMIN) -> Any:
    more: dict[str, Any] = {"auth": login} if login else {}
    return client.get(f"{API}/icons/{digest}", **more)


def shown(answer: Any) -> Image.Image:
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"content", "content-type"}
    assert answer.json()["content-type"] == "image/png"
    raw = base64.b64decode(answer.json()["content"])
    return Image.open(io.BytesIO(raw), formats=["PNG"]).convert("RGBA")


def with_icon(client: TestClient, repo: str, raw: bytes, media_type: str = "image/png") -> str:
    """Push an artifact with this icon; return the digest that it is found under."""
    layer = raw, {"mediaType": media_type, "annotations": MARK}
    icon = get(client, push(client, repo, {}, CONFIG, layer))["icon"]
    assert icon == sha256(raw)
    return str(icon)


@pytest.mark.parametrize("kind", [*details.ICONS, "anything else"])
def test_each_kind_has_a_picture_for_anybody(shared: TestClient, kind: str) -> None:
    image = shown(ask(shared, details.icon_for(kind), None))
    assert image.size == (50, 50)
    assert len(image.getcolors(2_500) or ()) > 10


def test_no_two_kinds_look_alike(shared: TestClient) -> None:
    digests = {*details.ICONS.values(), details.PLAIN_ICON}
    assert len({shown(ask(shared, digest)).tobytes() for digest in digests}) == len(digests)


def test_what_artifacts_say_is_there(shared: TestClient, repo: str) -> None:
    image = push_image(shared, repo, "v1")
    push_referrer(shared, repo, image, "application/vnd.cncf.notary.signature")
    found = get(shared, f"{API}/projects/{project_of(repo)}/artifacts")[0]
    for each in (found, *found["accessories"]):
        assert shown(ask(shared, each["icon"], None)).size == (50, 50)


@pytest.mark.parametrize(
    ("form", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif")]
)
@pytest.mark.parametrize("size", [(120, 60), (10, 10), (50, 50), (30, 400)])
def test_an_icon_of_an_artifact_is_made_small(
    shared: TestClient, repo: str, form: str, media_type: str, size: tuple[int, int]
) -> None:
    digest = with_icon(shared, repo, picture(size, form), media_type)
    image = shown(ask(shared, digest))
    assert image.size == (50, 50)
    red, _, blue, alpha = image.getpixel((25, 25))  # type: ignore[misc]
    assert red > 150
    assert blue < 100
    assert alpha == 255


def test_an_icon_is_for_those_who_may_see_the_artifact(shared: TestClient, repo: str) -> None:
    digest = with_icon(shared, repo, picture((99, 33)))
    ann = make_user(shared, f"ann-{project_of(repo)}")
    for login in (None, ann):
        assert error_of(ask(shared, digest, login)) == MISSING
    add_member(shared, project_of(repo), ann, 5)
    assert shown(ask(shared, digest, ann))
    with_icon(shared, "library/drawn", picture((99, 33)))
    assert shown(ask(shared, digest, None))


def test_another_blob_is_no_icon(shared: TestClient, repo: str) -> None:
    raw = picture((12, 12))
    push(shared, repo, {}, CONFIG, (raw, {"mediaType": "image/png"}))
    assert error_of(ask(shared, sha256(raw))) == MISSING


def cut(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def huge() -> bytes:
    """A picture of 400 million points in a few thousand bytes."""
    file = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no picture",
        cut(picture()),
        cut(picture(form="JPEG")),
        picture(form="BMP"),
        picture((5_000, 1_000)),
        huge(),
        b"\x89PNG\r\n\x1a\n" + bytes(100),
    ],
    ids=["empty", "text", "half a PNG", "half a JPEG", "BMP", "large", "huge", "zeros"],
)
def test_what_cannot_be_shown_is_not_found(shared: TestClient, repo: str, raw: bytes) -> None:
    digest = with_icon(shared, repo, raw)
    assert error_of(ask(shared, digest)) == MISSING


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF"])
def test_broken_pictures_harm_nobody(shared: TestClient, repo: str, form: str) -> None:
    dice = random.Random(form)
    for _ in range(20):
        raw = bytearray(picture((20, 20), form))
        for _ in range(dice.randint(1, 8)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        digest = with_icon(shared, repo, bytes(raw))
        assert ask(shared, digest).status_code in (200, 404)


@pytest.mark.parametrize("digest", ["x", "sha256:12", "md5:" + "0" * 32])
def test_a_digest_is_one(shared: TestClient, digest: str) -> None:
    assert error_of(ask(shared, digest)) == (400, "DIGEST_INVALID")


def test_an_unknown_digest_is_not_found(shared: TestClient) -> None:
    assert error_of(ask(shared, sha256(b"nothing"))) == MISSING


def test_a_lost_icon_is_not_found(shared: TestClient, repo: str, shared_settings: Any) -> None:
    digest = with_icon(shared, repo, picture((77, 7)))
    name = digest.partition(":")[2]
    (file,) = [each for each in (shared_settings.data / "blobs").rglob("*") if name in each.name]
    file.unlink()
    assert error_of(ask(shared, digest)) == MISSING
