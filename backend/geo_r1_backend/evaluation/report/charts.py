"""Charts as inline SVG: an interval, bars with intervals, curves. Colours come from the page's style."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from geo_r1_backend.evaluation.figure import Figure

Curve = tuple[str, Sequence[tuple[float, float]]]
"""Name and points, both axes from 0 to 1."""
BAR_PX = 26
LABEL_PX = 190
TRACK_PX = 420
SIDE_PX = 300
MOST_BARS = 40


def percent(value: float) -> str:
    """``61.3``."""
    return f"{100 * value:.1f}"


def interval(figure: Figure) -> str:
    """The value as a dot and its interval as a line, from 0 to 100 %."""
    width = 140
    low, high, at = (round(v * width, 1) for v in (figure.low, figure.high, figure.value))
    return (
        f'<svg class="interval" viewBox="-4 0 {width + 8} 16" width="{width + 8}" height="16" role="img"'
        f' aria-label="{percent(figure.value)}, from {percent(figure.low)} to {percent(figure.high)}">'
        f'<line class="axis" x1="0" y1="8" x2="{width}" y2="8"/>'
        f'<line class="span" x1="{low}" y1="8" x2="{high}" y2="8"/><circle class="dot" cx="{at}" cy="8" r="3.6"/></svg>'
    )


def bars(figures: Sequence[Figure]) -> str:
    """One bar per figure, its interval on it; names and counts beside."""
    shown = figures[:MOST_BARS]
    height = BAR_PX * len(shown) + 22
    width = LABEL_PX + TRACK_PX + 110
    parts = [f'<svg class="bars" viewBox="0 0 {width} {height}" role="img" aria-label="per kind">']
    for tick in (0, 25, 50, 75, 100):
        x = LABEL_PX + TRACK_PX * tick / 100
        parts.append(f'<line class="grid" x1="{x}" y1="0" x2="{x}" y2="{height - 18}"/>')
        parts.append(
            f'<text class="tick" x="{x}" y="{height - 4}" text-anchor="middle">{tick}</text>'
        )
    for row, figure in enumerate(shown):
        top, middle = row * BAR_PX + 4, row * BAR_PX + BAR_PX / 2
        low, high = (LABEL_PX + TRACK_PX * v for v in (figure.low, figure.high))
        name = figure.name if len(figure.name) <= 26 else figure.name[:25] + "…"
        parts.append(
            f'<text class="label" x="{LABEL_PX - 10}" y="{middle + 4}" text-anchor="end">{escape(name)}'
            f"<title>{escape(figure.name)}</title></text>"
            f'<rect class="bar" x="{LABEL_PX}" y="{top}" width="{max(1.0, TRACK_PX * figure.value):.1f}" height="{BAR_PX - 8}" rx="3"/>'
            + (
                f'<path class="whisker" d="M{low:.1f} {middle - 4}v8m0-4H{high:.1f}m0-4v8"/>'
                if high > low
                else ""
            )
            + f'<text class="value" x="{LABEL_PX + TRACK_PX + 16}" y="{middle + 4}">{percent(figure.value)}'
            f'<tspan class="count" dx="8">n = {figure.count}</tspan></text>'
        )
    parts.append("</svg>")
    return "".join(parts)


def curves(
    lines: Sequence[Curve], x_name: str, y_name: str, dots: Sequence[tuple[float, float]] = ()
) -> str:
    """Curves in a square from 0 to 1 on both axes.

    Args:
        lines: drawn in this order, each in a style of its own and named at the side.
        x_name: of the axis.
        y_name: of the axis.
        dots: points to mark.
    """
    left, bottom = 46, 40
    width, height = left + SIDE_PX + 120, SIDE_PX + bottom + 10
    parts = [
        f'<svg class="curves" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(y_name)} over {escape(x_name)}">'
    ]

    def place(x: float, y: float) -> str:
        return f"{left + SIDE_PX * x:.1f} {10 + SIDE_PX * (1 - y):.1f}"

    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<path class="grid" d="M{place(tick, 0)}L{place(tick, 1)}"/>')
        parts.append(f'<path class="grid" d="M{place(0, tick)}L{place(1, tick)}"/>')
        x, y = left + SIDE_PX * tick, 10 + SIDE_PX * (1 - tick)
        parts.append(
            f'<text class="tick" x="{x}" y="{SIDE_PX + 26}" text-anchor="middle">{tick:g}</text>'
        )
        parts.append(
            f'<text class="tick" x="{left - 8}" y="{y + 4}" text-anchor="end">{tick:g}</text>'
        )
    for number, (name, points) in enumerate(lines):
        if points:
            path = "L".join(place(x, y) for x, y in _thinned(points))
            parts.append(f'<path class="curve c{number % 3}" d="M{path}"/>')
        y = 24 + 20 * number
        parts.append(
            f'<path class="curve c{number % 3}" d="M{left + SIDE_PX + 14} {y - 4}h22"/>'
            f'<text class="label" x="{left + SIDE_PX + 42}" y="{y}">{escape(name)}</text>'
        )
    for x, y in dots:
        cx, cy = place(x, y).split()
        parts.append(f'<circle class="dot" cx="{cx}" cy="{cy}" r="4"/>')
    parts.append(
        f'<text class="axisname" x="{left + SIDE_PX / 2}" y="{height - 4}" text-anchor="middle">{escape(x_name)}</text>'
        f'<text class="axisname" transform="translate(12 {10 + SIDE_PX / 2}) rotate(-90)" text-anchor="middle">{escape(y_name)}</text></svg>'
    )
    return "".join(parts)


def _thinned(points: Sequence[tuple[float, float]], most: int = 400) -> list[tuple[float, float]]:
    """At most so many points and the last one: a page does not grow with the set."""
    step = max(1, len(points) // most)
    return [*points[::step], points[-1]]
