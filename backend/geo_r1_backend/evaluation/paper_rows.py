"""The paper's published rows, for a look beside ours.

arXiv 2509.21976, tables 2 and 5, in per cent, one run each and no intervals. Its tables 3 (NWPU) and 4 (EarthReason) are
not known to this project, so no number is given for them. The paper's scripts never rescale coordinates (`paper_style.py`), and whether
that was so in training is not known.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PaperRow:
    """One line of a published table."""

    model: str
    values: tuple[float, ...]
    """In the order of the suite's columns, in per cent."""


@dataclass(frozen=True)
class PaperTable:
    """What the paper says about one data set."""

    source: str
    columns: tuple[str, ...]
    """Names of our figures that correspond."""
    rows: tuple[PaperRow, ...]
    remark: str


VRSBENCH = PaperTable(
    "Table 2, VRSBench-FS, referring expressions",
    (
        "Acc@0.5, unique",
        "Acc@0.7, unique",
        "Acc@0.5, non-unique",
        "Acc@0.7, non-unique",
        "Acc@0.5, all",
        "Acc@0.7, all",
    ),
    (
        PaperRow("GeoChat, full data", (57.40, 22.60, 44.50, 18.00, 49.80, 19.90)),
        PaperRow("Qwen2.5-VL-3B SFT, full data", (66.54, 36.77, 60.32, 36.30, 62.91, 36.50)),
        PaperRow("GPT-4V, zero-shot", (8.60, 2.20, 2.50, 0.40, 5.10, 1.10)),
        PaperRow("Qwen2.5-VL-3B, no think", (43.10, 25.10, 33.46, 18.01, 37.48, 20.97)),
        PaperRow("Qwen2.5-VL-3B, think", (46.18, 26.90, 35.22, 18.87, 39.79, 22.22)),
        PaperRow("SFT, 1 shot", (34.32, 18.87, 31.62, 16.35, 32.75, 17.40)),
        PaperRow("Geo-R1 GRPO, 1 shot", (52.17, 31.18, 41.21, 23.04, 45.78, 26.43)),
        PaperRow("Geo-R1 DAPO, 1 shot", (51.72, 31.68, 42.13, 24.50, 46.13, 27.50)),
        PaperRow("SFT, 5 shots", (36.98, 16.61, 33.94, 17.17, 35.21, 16.94)),
        PaperRow("Geo-R1 GRPO, 5 shots", (54.11, 31.35, 42.98, 23.98, 47.62, 27.06)),
        PaperRow("Geo-R1 DAPO, 5 shots", (55.73, 32.19, 44.19, 24.86, 49.00, 27.92)),
        PaperRow("SFT, 10 shots", (41.81, 18.59, 35.78, 17.20, 38.29, 17.78)),
        PaperRow("Geo-R1 GRPO, 10 shots", (57.27, 35.61, 45.81, 27.03, 50.59, 30.61)),
        PaperRow("Geo-R1 DAPO, 10 shots", (59.49, 37.11, 47.91, 28.07, 52.74, 31.84)),
    ),
    "VRSBench's boxes lie on a grid of a hundredth of the picture: of perfect answers about objects of 12 px, a fifth reach IoU 0.7.",
)

DIOR_RSVG = PaperTable(
    "Table 5, trained on VRSBench-FS, asked about DIOR-RSVG",
    ("Acc@0.5, all",),
    (
        PaperRow("SFT, 1 shot", (32.35,)),
        PaperRow("Geo-R1, 1 shot", (37.27,)),
        PaperRow("SFT, 5 shots", (34.52,)),
        PaperRow("Geo-R1, 5 shots", (40.57,)),
        PaperRow("SFT, 10 shots", (34.86,)),
        PaperRow("Geo-R1, 10 shots", (40.38,)),
    ),
    "The base model without training is not in the table.",
)

RRSIS_D = PaperTable(
    "Table 5, trained on EarthReason-FS, asked about RRSIS-D",
    ("gIoU, empty answer about nothing = 0",),
    (
        PaperRow("SegEarth-R1, 1 shot", (18.77,)),
        PaperRow("Geo-R1, 1 shot", (32.11,)),
        PaperRow("SegEarth-R1, 5 shots", (20.29,)),
        PaperRow("Geo-R1, 5 shots", (36.41,)),
        PaperRow("SegEarth-R1, 10 shots", (24.27,)),
        PaperRow("Geo-R1, 10 shots", (37.83,)),
    ),
    "That the column is gIoU follows from the text, not from its heading. The paper cuts masks with SAM 2.1 large.",
)

UNKNOWN = "The paper's numbers for this set (its table {table}) are not known to this project."
