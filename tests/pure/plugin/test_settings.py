"""Settings come back from a store as what they were."""

import pytest

from geo_r1_qgis.core.settings import Settings


class IniStore(dict):
    """QgsSettings gives words back for everything."""

    def value(self, key, default=None):
        return self.get(key, default)

    def setValue(self, key, value):  # noqa: N802
        self[key] = str(value).lower() if isinstance(value, bool) else str(value)


def test_an_empty_store_gives_the_defaults():
    """Nothing needs to be set."""
    assert Settings.load(IniStore()) == Settings()


def test_all_values_survive():
    """Each field is stored and read back with its type."""
    changed = Settings(
        service_command="/bin/geo-r1",
        service_url="https://x:1",
        service_authcfg="a1b2c3d",
        plain_http_url="http://x",
        last_url="https://x:1",
        start_service=False,
        model="m",
        task="ovd",
        max_new_tokens=99,
        dock_was_shown=True,
    )
    store = IniStore()

    changed.save(store)

    assert Settings.load(store) == changed
    assert all(key.startswith("geo_r1/") for key in store)


@pytest.mark.parametrize(
    ("stored", "read"), [("false", False), ("0", False), ("true", True), ("1", True), ("", False)]
)
def test_the_word_false_is_false(stored, read):
    """bool("false") is True; ours is not."""
    assert Settings.load(IniStore({"geo_r1/start_service": stored})).start_service is read


def test_nonsense_counts_as_not_set():
    """A profile edited by hand does not keep the plugin from loading."""
    assert Settings.load(IniStore({"geo_r1/max_new_tokens": "lots"})).max_new_tokens == 1536
