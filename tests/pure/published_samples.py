"""Small data sets in the exact formats of their publishers, made for tests."""

from __future__ import annotations

import io
import json
import pickle

import numpy as np
from PIL import Image

COLOURS = {"tank": (250, 250, 250), "shed": (200, 30, 30)}


def picture(path, size=(512, 512), colour=(60, 90, 60)):
    """A plain picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def vrsbench_json(folder):
    """`VRSBench_EVAL_referring.json` and its picture."""
    picture(folder / "Images_val" / "P0003_0002.png")
    common = {"image_id": "P0003_0002.png", "obj_cls": "small-vehicle", "dataset": "VRSBench"}
    records = [
        {**common, "question": "The small vehicle at the top-left", "ground_truth": "{<25><40><33><60>}",
         "question_id": 0, "unique": True, "obj_corner": [0.25, 0.4, 0.33, 0.4, 0.33, 0.6, 0.25, 0.6]},
        {**common, "question": "The vehicle below it", "ground_truth": "{<5><70><9><80>}",
         "question_id": 1, "unique": False, "obj_corner": [0.05, 0.7, 0.09, 0.7, 0.09, 0.8, 0.05, 0.8]},
    ]  # fmt: skip
    (folder / "VRSBench_EVAL_referring.json").write_text(json.dumps(records))


def vrsbench_scripts_json(folder):
    """`VRSBench_EVAL_referring_detailed.json`."""
    picture(folder / "Images_val" / "a.png")
    problem = "Please provide the bounding box coordinate of the region this sentence describes: the ship on the left"
    record = {"image": "a.png", "problem": problem, "solution": [10, 20, 60, 80], "is_unique": True}
    (folder / "VRSBench_EVAL_referring_detailed.json").write_text(json.dumps([record]))


def vrsbench_parquet(folder, *, named):
    """VRSBench-FS: three rows in two row groups, two of them about one picture."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def png(colour):
        stream = io.BytesIO()
        Image.new("RGB", (512, 512), colour).save(stream, "PNG")
        return stream.getvalue()

    image = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    schema = pa.schema([("images", image), ("problem", pa.string()), ("answer", pa.list_(pa.float64())),
                        ("category", pa.string()), ("is_unique", pa.string())])  # fmt: skip
    wrapper = (
        "<image>Please provide the bounding box coordinate of the region this sentence describes: "
    )
    one = {"bytes": png((60, 90, 60)), "path": "a.png" if named else None}
    other = {"bytes": png((9, 9, 200)), "path": "b.png" if named else None}
    rows = [
        ([one], wrapper + "the ship", [10.24, 20.48, 61.44, 81.92], "ship", "True"),
        ([one], wrapper + "the long ship", [97.28, 235.52, 189.44, 332.8], "ship", "false"),
        ([other], wrapper + "the tank", [0.0, 0.0, 51.2, 51.2], "storage-tank", "unknown"),
    ]
    table = pa.table([pa.array(c, f.type) for c, f in zip(zip(*rows, strict=True), schema, strict=True)], schema)  # fmt: skip
    (folder / "data").mkdir()
    pq.write_table(table, folder / "data" / "val-00000-of-00001.parquet", row_group_size=2)


def dior_rsvg(folder):
    """Two pictures with three described objects, of which test.txt chooses the second and the third."""
    files = {
        "00001": [("ship", (1, 2, 8, 9), "The upper ship"), ("ship", (30, 40, 90, 100), "The ship on the left")],
        "00002": [("storagetank", (5, 6, 50, 60), "A white tank")],
    }  # fmt: skip
    (folder / "Annotations").mkdir()
    for stem, objects in files.items():
        picture(folder / "JPEGImages" / f"{stem}.jpg", (800, 800))
        items = "".join(
            f"<object><name>{name}</name><pose>Unspecified</pose><bndbox><xmin>{b[0]}</xmin><ymin>{b[1]}</ymin><xmax>{b[2]}</xmax>"
            f"<ymax>{b[3]}</ymax></bndbox><description>{text}</description></object>"
            for name, b, text in objects
        )
        size = "<size><width>800</width><height>800</height><depth>3</depth></size>"
        (folder / "Annotations" / f"{stem}.xml").write_text(
            f"<annotation><folder>DIOR</folder><filename>{stem}.jpg</filename>{size}{items}</annotation>"
        )
    (folder / "test.txt").write_text("1\n2\n")


def nwpu(folder):
    """COCO json with three classes, two pictures."""
    for name in ("1.jpg", "2.jpg"):
        picture(folder / "positive image set" / name, (120, 100))
    document = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 120, "height": 100} for n in (1, 2)],
        "categories": [{"id": n, "name": name} for n, name in enumerate(("airplane", "ship", "storage_tank"), 1)],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 3, "bbox": [10, 20, 30, 40], "iscrowd": 0, "area": 1200},
            {"id": 2, "image_id": 1, "category_id": 3, "bbox": [50, 60, 7, 8], "iscrowd": 0, "area": 56},
            {"id": 3, "image_id": 2, "category_id": 1, "bbox": [5, 5, 20, 20], "iscrowd": 0, "area": 400},
        ],
    }  # fmt: skip
    (folder / "annotations_test_set.json").write_text(json.dumps(document))


def earthreason(folder):
    """Two questions of the test split, one of them about nothing."""
    for stem, rows, answers in (("a", slice(10, 30), ["The harbour."]), ("b", slice(0, 0), [])):
        picture(folder / "test" / "images" / f"{stem}.jpg", (60, 40))
        mask = np.zeros((40, 60), np.uint8)
        mask[rows, 5:35] = 255
        for name in ("labels", "QAs"):
            (folder / "test" / name).mkdir(exist_ok=True)
        Image.fromarray(mask).save(folder / "test" / "labels" / f"{stem}.png")
        asked = {"questions": ["Where could ships find shelter?", "Another?"], "answer": answers}
        (folder / "test" / "QAs" / f"{stem}.json").write_text(json.dumps(asked))


def rrsis_d(folder, *, packed=False):
    """RefCOCO's layout: a pickle of references, COCO instances with run lengths, pictures."""
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 5:35] = 1
    if packed:
        from pycocotools import mask as coco

        rle = coco.encode(np.asfortranarray(mask))
        segmentation = [{"size": rle["size"], "counts": rle["counts"].decode("ascii")}]
    else:
        segmentation = [
            {"size": [40, 60], "counts": [5 * 40 + 10, *([20, 20] * 29), 20, 25 * 40 + 10]}
        ]
    refs = []
    for ref_id, split in ((1, "test"), (2, "train")):
        name = f"0000{ref_id}.jpg"
        picture(folder / "images" / "rrsisd" / "JPEGImages" / name, (60, 40))
        sentence = {
            "raw": "The ship on the Left",
            "sent": "the ship on the left",
            "sent_id": ref_id,
            "tokens": [],
        }
        refs.append({"ref_id": ref_id, "ann_id": ref_id, "image_id": ref_id, "split": split, "category_id": 3,
                     "file_name": name, "sent_ids": [ref_id], "sentences": [sentence]})  # fmt: skip
    instances = {
        "images": [{"id": n, "file_name": f"0000{n}.jpg", "height": 40, "width": 60} for n in (1, 2)],
        "annotations": [{"id": n, "image_id": n, "category_id": 3, "bbox": [5, 10, 35, 30], "segmentation": segmentation} for n in (1, 2)],
        "categories": [{"id": 3, "name": "ship"}],
    }  # fmt: skip
    (folder / "rrsisd").mkdir(exist_ok=True)
    (folder / "rrsisd" / "refs(unc).p").write_bytes(pickle.dumps(refs, protocol=2))
    (folder / "rrsisd" / "instances.json").write_text(json.dumps(instances))


def geopackage(folder):
    """A raster of 200 x 200 px (a quarter of it without data) in UTM, and polygons in degrees with a text."""
    import pyogrio.raw
    import pyproj
    import rasterio
    import shapely

    boxes = {
        "tank": [(20, 30, 40, 50), (60, 60, 80, 75)],
        "shed": [(120, 20, 140, 35), (90, 150, 110, 160)],
    }
    pixels = np.full((200, 200, 3), 60, np.uint8)
    for text, found in boxes.items():
        for x0, y0, x1, y1 in found:
            pixels[y0:y1, x0:x1] = COLOURS[text]
    valid = np.full((200, 200), 255, np.uint8)
    valid[100:, 111:] = 0
    valid[100:, 100:111] = 0
    place = rasterio.Affine(0.5, 0, 500_000, 0, -0.5, 5_300_000)
    with rasterio.open(folder / "ortho.tif", "w", driver="GTiff", width=200, height=200, count=3, dtype="uint8",
                       crs="EPSG:32632", transform=place) as target:  # fmt: skip
        target.write(np.moveaxis(pixels, -1, 0))
        target.write_mask(valid)
    onto = pyproj.Transformer.from_crs("EPSG:32632", "EPSG:4326", always_xy=True)
    shapes, texts = [], []
    for text, found in boxes.items():
        for x0, y0, x1, y1 in found:
            corners = [(500_000 + x / 2, 5_300_000 - y / 2) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1))]  # fmt: skip
            shapes.append(shapely.Polygon([onto.transform(x, y) for x, y in corners]))
            texts.append(text)
    pyogrio.raw.write(
        folder / "objects.gpkg",
        geometry=np.array(shapely.to_wkb(shapes), dtype=object),
        field_data=[np.array(texts, dtype=object)],
        fields=np.array(["query"], dtype=object),
        layer="objects",
        driver="GPKG",
        geometry_type="Polygon",
        crs="EPSG:4326",
    )
