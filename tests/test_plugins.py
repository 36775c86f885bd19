"""The rule that nothing is skipped where CI runs."""

import pytest

pytest_plugins = ["pytester"]
IN_A_TEST = "import pytest\ndef test_it(): pytest.skip('no time')"
IN_A_MODULE = "import pytest\npytest.importorskip('no_such_module')\ndef test_it(): pass"


@pytest.mark.parametrize("source", [IN_A_TEST, IN_A_MODULE], ids=["test", "module"])
def test_a_skip_is_a_failure_in_ci_only(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    pytester.makepyfile(source)
    monkeypatch.delenv("CI", raising=False)
    assert pytester.runpytest("-p", "tests.plugins").ret in (0, 5)
    monkeypatch.setenv("CI", "true")
    told = pytester.runpytest("-p", "tests.plugins")
    assert told.ret in (1, 2)
    told.stdout.fnmatch_lines(["*skipped, which CI takes for a failure*"])
