"""`training/rounding.py`: small changes survive int8."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_r1_backend.models.weights import dequantise_matrix, quantise_matrix
from geo_r1_backend.training.rounding import rounded_matrix


def base_of(seed, rows=48, columns=512):
    """A matrix as stored, and as float."""
    matrix = np.random.default_rng(seed).normal(0, 0.05, (rows, columns)).astype(np.float32)
    values, scale = quantise_matrix(matrix)
    return values, scale, dequantise_matrix(values, scale)


def test_what_was_not_trained_keeps_its_bytes():
    """An unchanged matrix is stored as it was, bit for bit."""
    values, scale, matrix = base_of(0)
    found, its_scale = rounded_matrix(matrix, values, scale, np.random.default_rng(1))
    np.testing.assert_array_equal(found, values)
    np.testing.assert_array_equal(its_scale, scale)


def test_a_third_of_a_step_survives():
    """A change of a third of a step is lost without a trace by rounding to the nearest, and kept on average here."""
    values, scale, matrix = base_of(2)
    trained = matrix + scale[:, None] / 3
    # the greatest numbers of a row set its grid, so they stay
    trained = np.where(np.abs(values) > 125, matrix, trained)
    nearest, _ = quantise_matrix(trained)
    np.testing.assert_array_equal(nearest, values)
    found, its_scale = rounded_matrix(trained, values, scale, np.random.default_rng(1))
    kept = (dequantise_matrix(found, its_scale) - matrix) / scale[:, None]
    assert kept.mean() == pytest.approx(1 / 3, abs=0.01)


@given(st.integers(0, 1000), st.floats(0.001, 3.0))
@settings(max_examples=25, deadline=None)
def test_no_number_is_off_by_more_than_a_step(seed, size):
    """However much was trained, each stored number is within one step of its row's grid, and within int8."""
    values, scale, matrix = base_of(seed, 8, 64)
    change = np.random.default_rng(seed + 1).normal(0, size, matrix.shape).astype(np.float32)
    trained = matrix + change * scale[:, None]
    found, its_scale = rounded_matrix(trained, values, scale, np.random.default_rng(seed))
    assert np.abs(found.astype(int)).max() <= 127
    off = np.abs(dequantise_matrix(found, its_scale) - trained) / its_scale[:, None]
    # a cut row passes its grid by two hundredths of 127 steps
    assert off.max() <= 0.02 * 127 + 1e-3
    assert np.quantile(off, 0.95) <= 1 + 1e-3


def test_a_row_that_grew_gets_a_grid_of_its_own():
    """A row whose numbers no longer fit is stored on a new grid; the others keep theirs."""
    values, scale, matrix = base_of(3)
    trained = matrix.copy()
    trained[5, 7] = 200 * scale[5]
    found, its_scale = rounded_matrix(trained, values, scale, np.random.default_rng(1))
    assert dequantise_matrix(found, its_scale)[5, 7] == pytest.approx(trained[5, 7], rel=1e-5)
    assert its_scale[5] > scale[5]
    np.testing.assert_array_equal(np.delete(its_scale, 5), np.delete(scale, 5))
    np.testing.assert_array_equal(np.delete(found, 5, 0), np.delete(values, 5, 0))


def test_the_same_seed_gives_the_same_bytes():
    """Rounding is drawn from a seed: the same run is published as the same file."""
    values, scale, matrix = base_of(4)
    trained = matrix + 0.4 * scale[:, None]
    first, _ = rounded_matrix(trained, values, scale, np.random.default_rng(7))
    again, _ = rounded_matrix(trained, values, scale, np.random.default_rng(7))
    np.testing.assert_array_equal(first, again)
