"""The part of the sample check that looks at all labels together."""

from geo_r1_qgis.core.label_check import Label, Problem, Weight, judge


def labels(count, expression="tank"):
    """Rectangles side by side."""
    return [Label(i, expression, (100.0 * i, 0.0, 100.0 * i + 20, 20.0), ()) for i in range(count)]


def codes(check):
    """What was found, with its rows."""
    return [(problem.code, problem.fid) for problem in check.problems]


def test_ten_good_labels_have_no_problem():
    """Nothing to say about good ones."""
    check = judge(labels(10), [], 1.0)

    assert (check.problems, len(check.labels), check.blocks) == ([], 10, False)


def test_two_labels_are_too_few():
    """Without one for each part nothing is started; between three and ten it is said that more are better."""
    assert codes(judge(labels(2), [], 1.0)) == [("too-few", None)]
    assert judge(labels(2), [], 1.0).blocks
    assert codes(judge(labels(3), [], 1.0)) == [("few", None)]
    assert not judge(labels(3), [], 1.0).blocks


def test_an_object_drawn_twice_is_used_once():
    """The second outline of the same expression is left out; another expression for the same object is another question."""
    twice = [*labels(10), Label(77, "tank", (0.0, 0.0, 20.5, 20.0), ())]
    other = [*labels(10), Label(78, "round thing", (0.0, 0.0, 20.0, 20.0), ())]

    assert codes(judge(twice, [], 1.0)) == [("duplicate", 77)]
    assert codes(judge(other, [], 1.0)) == []


def test_a_speck_is_left_out():
    """What has less than four pixels on the raster cannot be learned."""
    check = judge(labels(12), [], 10.0)

    assert set(codes(check)) == {("too-few", None)} | {("too-small", i) for i in range(12)}
    assert check.left_out == 12


def test_rejected_ones_do_not_count_as_labels():
    """Hard negatives alone teach nothing."""
    rejected = [
        Label(i + 50, "tank", (0.0, 100.0 * i, 20.0, 100.0 * i + 20), (), False) for i in range(9)
    ]
    check = judge([*labels(2), *rejected], [], 1.0)

    assert check.blocks
    assert len(check.positives) == 2


def test_what_was_found_before_stays():
    """Problems of single rows come through."""
    row = Problem("empty-geometry", Weight.LEFT_OUT, 5)

    assert judge(labels(10), [row], 1.0).problems == [row]
