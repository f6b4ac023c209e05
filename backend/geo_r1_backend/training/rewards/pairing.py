"""Which said box is which true object: best pairings of two sets. Pure numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from geo_r1_backend.geo.boxes import Box

Floats = npt.NDArray[np.float64]


def ious(said: Sequence[Box], truth: Sequence[Box]) -> Floats:
    """IoU of each said box with each true one, ``(said, true)``; half-open boxes, 0 without overlap or area."""
    a = np.asarray(said, float).reshape(-1, 1, 4)
    b = np.asarray(truth, float).reshape(1, -1, 4)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.maximum(sides, 0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - shared
    shares: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)
    return shares


def best_pairs(worth: Floats) -> list[tuple[int, int]]:
    """One-to-one pairs of rows and columns with the greatest sum of ``worth`` (all of it at least 0).

    The Hungarian method with potentials, O(short² · long): one row after the other is let in along the cheapest
    augmenting path.

    Source: Kuhn 1955, Munkres 1957; the form with potentials is common property.
    """
    if worth.shape[0] > worth.shape[1]:
        return [(row, column) for column, row in best_pairs(worth.T)]
    rows, columns = worth.shape
    cost = -worth
    row_potential, column_potential = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1)
    for new_row in range(rows):
        shortest = np.full(columns, np.inf)
        came_from = np.full(columns, -1)
        done = np.zeros(columns, bool)
        row, column = new_row, -1
        while row >= 0:
            reduced = cost[row] - row_potential[row] - column_potential
            reach = reduced if column < 0 else reduced + shortest[column]
            nearer = ~done & (reach < shortest)
            shortest[nearer], came_from[nearer] = reach[nearer], column
            column = int(np.where(done, np.inf, shortest).argmin())
            done[column] = True
            row = int(row_of[column])
        # potentials move so that every edge of the path costs nothing
        total = shortest[column]
        row_potential[new_row] += total
        for inner in np.flatnonzero(done):
            column_potential[inner] -= total - shortest[inner]
            if row_of[inner] >= 0:
                row_potential[row_of[inner]] += total - shortest[inner]
        while column >= 0:
            previous = int(came_from[column])
            row_of[column] = new_row if previous < 0 else row_of[previous]
            column = previous
    return [(int(row), column) for column, row in enumerate(row_of) if row >= 0]


def most_hits(fits: npt.NDArray[np.bool_]) -> int:
    """The greatest number of one-to-one pairs that fit, ``(said, true)``. Kuhn's augmenting paths."""
    partner: dict[int, int] = {}

    def takes(row: int, tried: set[int]) -> bool:
        for column in np.flatnonzero(fits[row]):
            if column in tried:
                continue
            tried.add(int(column))
            if int(column) not in partner or takes(partner[int(column)], tried):
                partner[int(column)] = row
                return True
        return False

    return sum(takes(int(row), set()) for row in np.flatnonzero(fits.any(1)))
