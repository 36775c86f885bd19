"""What holds for all tests: no deadlines; and where CI is set, a test that is skipped has failed.

Nobody reads about skips there.
"""

import os
from collections.abc import Generator
from typing import TypeVar

import hypothesis
import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
Hook = Generator[None, Report, Report]

# How fast something is says the benchmark; a busy machine is no failure.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")


def insist(report: Report) -> Report:
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI takes for a failure: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Hook[pytest.TestReport]:
    return insist((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Hook[pytest.CollectReport]:
    return insist((yield))
