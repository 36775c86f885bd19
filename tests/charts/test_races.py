"""Who uploads at the same time as others."""

from concurrent.futures import ThreadPoolExecutor

from starlette.testclient import TestClient

from tests.charts.packing import chart, index, listed, upload
from tests.make import ADMIN, sha256
from tests.registry.servers import project_of


def test_one_of_many_uploads_of_a_version_is_kept(shared: TestClient, repo: str) -> None:
    raws = [chart("app", "1.0.0", description=f"number {n}") for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda raw: upload(shared, repo, raw), raws))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    (won,) = (raw for raw, answer in zip(raws, answers, strict=True) if answer.status_code == 201)
    (entry,) = index(shared, repo)["entries"]["app"]
    assert "sha256:" + entry["digest"] == sha256(won)
    path = f"/chartrepo/{project_of(repo)}/charts/app-1.0.0.tgz"
    assert shared.get(path, auth=ADMIN).content == won


def test_the_same_archive_may_come_in_twice_at_once(shared: TestClient, repo: str) -> None:
    raw = chart("app", "1.0.0")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: upload(shared, repo, raw).status_code, range(8)))
    assert sorted(answers) == [201] + [409] * 7
    path = f"/chartrepo/{project_of(repo)}/charts/app-1.0.0.tgz"
    assert shared.get(path, auth=ADMIN).content == raw


def test_all_uploads_are_listed(shared: TestClient, repo: str) -> None:
    versions = [f"1.{n}.0" for n in range(12)]
    with ThreadPoolExecutor(8) as pool:
        done = pool.map(lambda v: upload(shared, repo, chart("app", v)).status_code, versions)
        seen = pool.map(lambda _: len(listed(shared, repo)), range(12))
        assert set(done) == {201}
        assert max(seen) <= 12
    assert listed(shared, repo) == versions[::-1]
