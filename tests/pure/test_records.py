"""What is written down about a run keeps no secret."""

import pytest

from geo_r1_qgis.core.records import without_secrets


@pytest.mark.parametrize(
    "source",
    [
        "type=xyz&url=https://tiles/{z}&username=ann&password=hunter2",  # QGIS's own keys
        "url=https://ann:hunter2@tiles/wms?layers=a",  # login in the address
        "url=https%3A//tiles/%7Bz%7D%3Ftoken%3Dhunter2%26layers%3Da&type=xyz",  # percent-encoded
        "dbname='gis' host=db user='ann' password='hunter2' table=\"rasters\"",  # a database
        "https://tiles/{z}?access_token=hunter2",  # one that hides behind a prefix
        "url=https://tiles/wms?API_KEY=hunter2&layers=a",  # in capitals
        "contextualWMSLegend=0&authcfg=hunter2&url=https://tiles",  # id of a stored login
    ],
)
def test_secrets_are_taken_out_of_a_source(source):
    """Logins, tokens and keys do not reach the GeoPackage, in whatever way they are written."""
    assert "hunter2" not in without_secrets(source)


@pytest.mark.parametrize(
    "source",
    [
        "/home/ann/passwords/keyboard=2.tif",  # a path may contain such words
        "type=xyz&url=https://tiles/{z}/{x}/{y}.png&zmax=19",
        "layers=roads&styles=&format=image/png&crs=EPSG:3857&url=https://maps/wms?map=a",
    ],
)
def test_everything_else_stays(source):
    """A source without secrets is kept letter for letter."""
    assert without_secrets(source) == source
