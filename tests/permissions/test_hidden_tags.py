"""What a rule hides is not counted by the tags that it has, whichever way they are looked for."""

import pytest
from starlette.testclient import TestClient

from harbor.artifacts.service import filters
from tests.make import API
from tests.permissions.test_hidden_repositories import OPEN, Shop


@pytest.mark.parametrize("few", [filters.FEW, 0])
def test_the_tags_of_a_hidden_repository_are_looked_for_in_vain(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(filters, "FEW", few)
    shop = Shop(client)

    def found() -> tuple[int, int]:
        answer = shop.get(f"{API}/projects/{shop.id}/artifacts", params={"q": "tags=~1."})
        assert OPEN in {one["repository_name"] for one in answer.json()}
        return len(answer.json()), int(answer.headers["X-Total-Count"])

    assert found() == (2, 2)
    shop.hide()
    assert found() == (1, 1)
