#!/usr/bin/env python3
"""Pictures of the Train tab in its states, with a raster and a polygon layer of yours; for the documentation.

    QT_QPA_PLATFORM=offscreen PYTHONPATH=build:. .venv-qgis/bin/python scripts/train_picture.py RASTER LABELS FOLDER

The service is the tests' stand-in: a picture needs no hour of training. What is drawn is the dock as it is.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

HOME = tempfile.mkdtemp(prefix="geo-r1-picture-")
os.environ.update(
    GEO_R1_HOME=HOME, GEO_R1_COMMAND="/nowhere/geo-r1", QGIS_AUTH_DB_DIR_PATH=HOME, HOME=HOME
)

from qgis.core import QgsApplication, QgsProject, QgsRasterLayer, QgsVectorLayer  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402

EXPRESSION = "the building with the tin roof"
STEPS = 60


def wait(condition: object, seconds: float = 20) -> None:
    """Let Qt work until something holds."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            raise SystemExit("it took too long")
        QTest.qWait(20)


def events(stub: object, samples: list) -> list:
    """A run as a run may look: noisy, rising, with three looks at validation chips."""
    from tests.qgis.stub_training import look, preview, state, step, verdict

    told = [state("running")]
    shown = [s for s in samples if s["part"] != "train"][:6]
    for at in range(STEPS + 1):
        good = 0.25 + 0.4 * at / STEPS
        if at % 20 == 0:
            previews = []
            for index, sample in enumerate(shown):
                x0, y0, x1, y1 = sample["boxes_px"][0]
                off = (1 - good) * (x1 - x0) * (0.5 if index % 2 else -0.4)
                answered = (x0 + off, y0 + off / 2, x1 + off, y1 + off / 2)
                previews.append(
                    preview(
                        sample["chip"],
                        (x0, y0, x1, y1),
                        answered,
                        max(0.0, 1 - abs(off) / (x1 - x0)),
                    )
                )
            told.append(look(at, good, previews))
        if at:
            noise = ((at * 7919) % 13 - 6) / 60
            told.append(step(at, STEPS, max(0.0, good + noise), remaining_s=(STEPS - at) * 4.0))
    return [*told, verdict(0.31, 0.52, "better", 42, 0.08, 0.34), state("finished")]


def main(raster: str, labels: str, folder: str) -> None:  # noqa: PLR0915 - one picture after the other
    """Make the pictures."""
    application = QgsApplication([], True)
    application.initQgis()
    from geo_r1_qgis import classFactory
    from tests.qgis.stub_service import StubService
    from tests.qgis.window import Window

    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    with StubService() as stub:
        stub.write_server_file(Path(HOME))
        window = Window()
        layer = QgsRasterLayer(raster, Path(raster).stem)
        window.show_raster(layer)
        window.window.resize(1280, 1020)
        window.window.show()
        plugin = classFactory(window)
        plugin.initGui()
        services = plugin.services
        services.dock.setUserVisible(True)
        panel = services.dock.train
        wait(lambda: services.connection.standing.can_ask)
        services.dock.tabs.setCurrentIndex(1)

        def take(name: str) -> None:
            QTest.qWait(150)
            services.dock.grab().save(str(out / f"train-{name}.png"))

        take("empty")
        polygons = QgsVectorLayer(labels, Path(labels).stem, "ogr")
        QgsProject.instance().addMapLayer(polygons)
        panel.form.labels.setLayer(polygons)
        panel.form.expression.setText(EXPRESSION)
        panel.go.click()
        wait(lambda: services.training.check is not None)
        take("checked")
        told: list = []
        stub.training.events = lambda: told
        going = "running"

        def tell() -> list:
            (dataset,) = stub.training.datasets.values()
            whole = events(stub, dataset["samples"])
            return whole if going == "finished" else whole[: len(whole) * 2 // 3]

        stub.training.events = tell
        panel.go.click()
        try:
            wait(lambda: len(services.training.state.steps) > STEPS // 2, 40)
        except SystemExit:
            print(
                services.training.state.stage,
                panel.notice.text,
                len(stub.chips),
                stub.requests[-3:],
            )
            raise
        QTest.qWait(400)
        take("running")
        going = "finished"
        wait(lambda: services.training.state.verdict is not None, 30)
        QTest.qWait(400)
        take("verdict")
        plugin.unload()
        QgsProject.instance().clear()
        window.window.close()
    application.exitQgis()


if __name__ == "__main__":
    main(*sys.argv[1:4])
