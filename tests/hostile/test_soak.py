"""The soak in its shortest form; `make soak` is the same for half an hour."""

import importlib.util

import pytest


@pytest.mark.timeout(180)
def test_a_short_soak_finds_nothing_that_grows(soak):
    """Forty seconds of steady work leave memory, descriptors, threads and files where they were."""
    said, _ = soak.communicate(timeout=170)

    assert soak.returncode == 0, said
    assert said.count("steady") == 4


@pytest.mark.parametrize("name", ["rss_mb", "fds", "threads", "files"])
def test_a_leak_is_found(project_folder, capsys, name):
    """A quantity that rises all the time is called growing: the soak can fail."""
    spec = importlib.util.spec_from_file_location("soak", project_folder / "scripts" / "soak.py")
    soak = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(soak)
    times_s = [30.0 * number for number in range(60)]
    flat = {"rss_mb": 300.0, "fds": 20.0, "threads": 10.0, "files": 9.0}

    assert soak.verdict(times_s, [flat] * 60)
    assert not soak.verdict(
        times_s, [{**flat, name: flat[name] + 2.0 * number} for number in range(60)]
    )
    assert "GROWS" in capsys.readouterr().out
