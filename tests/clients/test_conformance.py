"""The conformance suite of the OCI distribution specification, run as its authors run it."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.clients.conftest import Registry
from tests.clients.programs import Home, Site
from tests.make import ADMIN

# What the suite has of the next version of the specification, and leaves out for this one.
OF_THE_NEXT_VERSION = {
    "Manifest put with tag params",
    "Sparse Manifests",
    "Tag Param",
    "Tag Param sha512",
}
TESTS = 862


def test_the_registry_conforms(
    site: Site, registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {
        "OCI_REGISTRY": registry.host,
        "OCI_TLS": "disabled",
        "OCI_REPO1": "library/conformance-1",
        "OCI_REPO2": "library/conformance-2",
        "OCI_USERNAME": ADMIN[0],
        "OCI_PASSWORD": ADMIN[1],
        "OCI_RESULTS_DIR": str(tmp_path),
        # Every interface that this version of the specification has: these are off by default.
        "OCI_API_BLOBS_UPLOAD_CANCEL": "true",
        "OCI_API_BLOBS_DIGEST_HEADER": "true",
        "OCI_API_MANIFESTS_DIGEST_HEADER": "true",
    }
    run = Home(site, tmp_path / "home", told).run("conformance")

    suite = ElementTree.parse(tmp_path / "junit.xml").getroot().find("testsuite")
    assert suite is not None, run
    results = yaml.safe_load((tmp_path / "results.yaml").read_text())
    counts = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    with capsys.disabled():
        print(f"\nOCI conformance, specification {results['config']['version']}: {counts}")
    other = {case.get("name"): case.get("status") for case in suite.iter("testcase")}
    assert {name: status for name, status in other.items() if status != "passed"} == {}
    assert counts == {"tests": TESTS, "failures": 0, "errors": 0, "skipped": 0}
    assert run.code == 0
    areas = results["apis"] | results["data"]
    disabled = {area for area, result in areas.items() if result == "Disabled"}
    assert disabled == OF_THE_NEXT_VERSION
    assert {result for area, result in areas.items() if area not in disabled} == {"Pass"}
