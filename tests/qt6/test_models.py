"""The Models tab on Qt 6: the list, a plan, a download and a deletion, with the tests that run on Qt 5 as well."""

from tests.qgis.test_gui_models import (  # noqa: F401 - fixtures and tests of the same window
    choose,
    panel,
    stub,
    test_deleting_is_confirmed,
    test_from_plan_to_model,
    test_model_is_used_loaded_and_unloaded,
    test_models_stand_in_groups,
    test_stop_keeps_and_go_on_continues,
)


def test_it_can_be_painted(qtbot, panel):  # noqa: F811 - the fixture
    """The tab draws itself; its enums are those of Qt 6."""
    choose(panel, "Roofs")

    assert not panel.grab().toImage().isNull()
