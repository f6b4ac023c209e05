"""What a user types as the address of a server."""

import pytest

from geo_r1_qgis.core.address import Destination, Way, clean_address, destination_of, passed_on
from geo_r1_qgis.core.errors import GeoR1Error


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("gpu.office:8443", "https://gpu.office:8443"),  # nobody types the scheme
        (" https://GPU.office/ ", "https://gpu.office"),
        ("HTTP://10.0.0.1:80", "http://10.0.0.1:80"),
        ("https://[fd00::1]:8443", "https://[fd00::1]:8443"),
        ("https://office/geo-r1/", "https://office/geo-r1"),  # behind a proxy
    ],
)
def test_an_address_has_one_form(typed, address):
    """What is stored and compared does not depend on how it was typed."""
    assert clean_address(typed) == address
    assert clean_address(address) == address


@pytest.mark.parametrize(
    "typed",
    ["", "https://", "ftp://server", "file:///etc", "https://ann:pw@server", "https://server?x=1",
     "https://server#x", "https://server:99999", "https://two words", "javascript://x"],
)  # fmt: skip
def test_what_is_no_address_is_refused(typed):
    """Refused with a reason, and without repeating a password."""
    with pytest.raises(GeoR1Error) as refusal:
        clean_address(typed)

    assert refusal.value.code == "address-invalid"
    assert refusal.value.parameters["reason"]
    assert "pw" not in str(refusal.value.parameters)


@pytest.mark.parametrize(
    ("url", "way", "host"),
    [
        ("", Way.LOCAL, ""),
        ("https://gpu.office:8443", Way.TLS, "gpu.office"),
        ("http://gpu.office", Way.OPEN, "gpu.office"),
        ("http://localhost:9000", Way.TUNNEL, "localhost:9000"),
        ("http://127.0.0.1.example.org", Way.OPEN, "127.0.0.1.example.org"),  # only looks like it
    ],
)
def test_where_questions_go(url, way, host):
    """The header's words depend on nothing but the setting."""
    destination = destination_of(url)

    assert (destination.way, destination.host) == (way, host)


@pytest.mark.parametrize(
    ("engine", "device", "onward", "is_open"),
    [
        ("onnx", "cpu", "", False),
        ("torch", "cuda:0", "", False),
        ("remote", "https://gpu.office:8000", "gpu.office", False),
        ("remote", "http://gpu.office:8000", "gpu.office", True),
        ("remote", "http://127.0.0.1:8000", "127.0.0.1", False),  # a server here, or a tunnel
        ("remote", "https://a:1, http://b:2 + 3", "a + 4", True),  # one open way is enough
        ("remote", "", "?", False),  # said all the same
    ],
)
def test_where_a_service_passes_questions_on(engine, device, onward, is_open):
    """A model that other servers run is never taken for one that answers here."""
    found = passed_on(Destination(Way.LOCAL), engine, device)

    assert (found.onward, found.is_onward_open) == (onward, is_open)
