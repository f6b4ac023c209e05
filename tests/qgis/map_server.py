"""A web map on this machine, XYZ tiles and WMS: whole, slow, with holes, or dying in the middle."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from qgis.PyQt.QtCore import QBuffer, QIODevice, QRectF
from qgis.PyQt.QtGui import QColor, QImage, QPainter

WORLD_M = 40_075_016.685578488
TILE_PX, ZOOM = 256, 16
MARK_M = (1_200_000.0, 6_200_000.0, 1_200_100.0, 6_200_100.0)
"""What is red on this map: left, bottom, right, top in EPSG:3857."""
CAPABILITIES = """<?xml version="1.0"?><WMS_Capabilities version="1.3.0" xmlns="http://www.opengis.net/wms"
 xmlns:xlink="http://www.w3.org/1999/xlink"><Service><Name>WMS</Name><Title>t</Title></Service><Capability><Request>
<GetCapabilities><Format>text/xml</Format><DCPType><HTTP><Get><OnlineResource xlink:href="{url}"/></Get></HTTP></DCPType>
</GetCapabilities><GetMap><Format>image/png</Format><DCPType><HTTP><Get><OnlineResource xlink:href="{url}"/></Get></HTTP>
</DCPType></GetMap></Request><Exception><Format>XML</Format></Exception><Layer queryable="0"><Name>map</Name>
<Title>map</Title><CRS>EPSG:3857</CRS><BoundingBox CRS="EPSG:3857" minx="-20037508" miny="-20037508" maxx="20037508"
 maxy="20037508"/></Layer></Capability></WMS_Capabilities>"""


class MapServer:
    """Start with `with`. `answer(number)` decides on the n-th picture: "map", "missing", "slow" or "die"."""

    def __init__(self, answer=lambda number: "map"):
        self.answer = answer
        self.asked = 0
        self.first_asked = threading.Event()
        self._gone = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server._serve(self)

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
        self._gone.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def uri(self, kind):
        """The source of a layer of provider ``wms``: kind "xyz" or "wms"."""
        if kind == "xyz":
            return f"type=xyz&url={self.url}/{{z}}/{{x}}/{{y}}.png&zmin={ZOOM}&zmax={ZOOM}"
        return f"crs=EPSG:3857&format=image/png&layers=map&styles=&url={self.url}/wms"

    def _serve(self, request):
        parts = urlsplit(request.path)
        query = {key.lower(): value[0] for key, value in parse_qs(parts.query).items()}
        if query.get("request") == "GetCapabilities":
            body = CAPABILITIES.format(url=f"{self.url}/wms?").encode()
            _send(request, body, "text/xml")
            return
        with self._lock:
            self.asked += 1
            answer = self.answer(self.asked)
        self.first_asked.set()
        if answer == "die":
            threading.Thread(target=self._server.shutdown, daemon=True).start()
            self._server.socket.close()
            request.connection.close()
            return
        if answer == "missing":
            request.send_error(404)
            return
        if answer == "slow":
            self._gone.wait(60)
        if query:
            box = [float(number) for number in query["bbox"].split(",")]
            size = int(query["width"]), int(query["height"])
        else:
            zoom, column, row = (int(part) for part in parts.path[1:-4].split("/"))
            tile_m = WORLD_M / 2**zoom
            left, top = column * tile_m - WORLD_M / 2, WORLD_M / 2 - row * tile_m
            box, size = [left, top - tile_m, left + tile_m, top], (TILE_PX, TILE_PX)
        _send(request, _drawn(box, size), "image/png")


def _send(request, body, kind):
    request.send_response(200)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def _drawn(box, size):
    """The map in a rectangle: grey, with the red mark."""
    image = QImage(*size, QImage.Format.Format_RGB32)
    image.fill(QColor(90, 90, 90))
    x_px, y_px = size[0] / (box[2] - box[0]), size[1] / (box[3] - box[1])
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    left, bottom, right, top = MARK_M
    mark = QRectF(
        (left - box[0]) * x_px, (box[3] - top) * y_px, (right - left) * x_px, (top - bottom) * y_px
    )
    painter.fillRect(mark, QColor(230, 20, 20))
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return bytes(buffer.data())
