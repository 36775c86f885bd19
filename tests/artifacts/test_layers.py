"""What builders say that they did."""

import pytest

from harbor.artifacts.service.layers import instruction


@pytest.mark.parametrize(
    ("said", "verb", "rest"),
    [
        ("RUN /bin/sh -c apk add x # buildkit", "RUN", "apk add x"),
        ("COPY --chown=1 dist/ /srv/ # buildkit", "COPY", "--chown=1 dist/ /srv/"),
        ('/bin/sh -c #(nop)  CMD ["sh"]', "CMD", '["sh"]'),
        ("/bin/sh -c apt-get update", "RUN", "apt-get update"),
        ("from a note", "", "from a note"),
        ("", "", ""),
    ],
)
def test_steps_read_as_in_a_dockerfile(said: str, verb: str, rest: str) -> None:
    assert instruction(said) == (verb, rest)
