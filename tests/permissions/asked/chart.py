from collections.abc import Callable

from tests.charts.packing import chart, pushed, signed, uploaded
from tests.make import Login, sha256
from tests.permissions.world import Request, World


def requests(world: World, login: Login | None) -> dict[str, Callable[[], Request]]:
    here = {"project_name": "team"}

    def one(folder: str = "") -> tuple[str, bytes]:
        """The name of a chart that is there, and its archive."""
        name = world.fresh("chart")
        if folder:
            pushed(world.client, f"team/{folder}/{name}", "1.0.0")
            return name, b""
        return name, uploaded(world.client, f"team/{name}")

    def named() -> Request:
        return {"path": here | {"chart_name": one()[0], "version": "1.0.0"}}

    def packed() -> Request:
        raw = chart(world.fresh("chart"), "1.0.0")
        return {"path": here, "files": {"chart": ("chart.tgz", raw)}}

    def provenance() -> Request:
        name, raw = one()
        prov = signed(name, "1.0.0", sha256(raw))
        return {"path": here, "files": {"prov": ("chart.tgz.prov", prov)}}

    def file(folder: str = "") -> Request:
        name, _ = one(folder)
        return {"path": here | {"folder": folder, "filename": f"{name}-1.0.0.tgz"}}

    return {
        "uploadChart": packed,
        "uploadChartProvenance": provenance,
        "listCharts": lambda: {"path": here},
        "listChartVersions": named,
        "getChartVersion": named,
        "deleteChartVersion": named,
        "deleteChart": named,
        "getProjectChartIndex": lambda: {"path": here},
        "downloadChart": file,
        "downloadNestedChart": lambda: file("folder"),
    }
