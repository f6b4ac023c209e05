"""An XYZ tile server on this machine that takes its time with every tile."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from qgis.PyQt.QtCore import QBuffer, QIODevice
from qgis.PyQt.QtGui import QColor, QImage


class SlowTiles:
    """Start with `with`; `uri` is what QGIS takes for a layer of provider ``wms``."""

    def __init__(self, delay_s):
        self.delay_s = delay_s
        self.asked = 0
        self.gone = threading.Event()
        """Set at the end: nobody waits then."""

    def __enter__(self):
        tiles, png = self, _tile()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                tiles.asked += 1
                tiles.gone.wait(tiles.delay_s)
                self.send_response(200)
                self.send_header("Content-Type", "image/png")
                self.send_header("Content-Length", str(len(png)))
                self.end_headers()
                self.wfile.write(png)

            def log_message(self, *_):
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # whoever asked may have left
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.gone.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def uri(self):
        """The layer's source."""
        url = f"http://127.0.0.1:{self._server.server_port}/{{z}}/{{x}}/{{y}}.png"
        return f"type=xyz&url={url}&zmin=0&zmax=18"


def _tile():
    image = QImage(256, 256, QImage.Format.Format_RGB32)
    image.fill(QColor(90, 120, 60))
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data())
