"""`geo-r1 serve` for others: a token that stays, TLS of its own, names under which it answers."""

from __future__ import annotations

import os
import ssl
import stat

import httpx
import pytest

from geo_r1_backend.config import ServerConfig
from geo_r1_backend.errors import ConfigError
from geo_r1_backend.running import is_answering
from geo_r1_backend.serve import check_certificate
from geo_r1_backend.storage.token_file import MIN_CHARACTERS, read_or_make_token
from tests.backend.test_serve import home, start  # noqa: F401 - fixtures
from tests.certificates import Authority

A_TOKEN = "A" * MIN_CHARACTERS


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Signs the certificates of this file."""
    return Authority(tmp_path_factory.mktemp("authority"))


def test_a_token_file_is_made_once_and_kept(tmp_path):
    """The first start writes a token that only its user can read, and says where; the next one takes that token."""
    path, said = tmp_path / "token", []

    first = read_or_make_token(path, A_TOKEN, said.append)
    second = read_or_make_token(path, "B" * 40, said.append)

    assert (first, second) == (A_TOKEN, A_TOKEN)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(said) == 1
    assert str(path) in said[0]
    assert A_TOKEN not in said[0]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_token_that_others_can_read_is_refused(tmp_path, mode):
    """A file that is open to group or others is no secret; the sentence says the mode and what to type."""
    path = tmp_path / "token"
    path.write_text(A_TOKEN)
    path.chmod(mode)

    with pytest.raises(ConfigError) as refusal:
        read_or_make_token(path, "", lambda _: None)

    assert f"{mode:04o}" in refusal.value.message
    assert "chmod 600" in refusal.value.hint


@pytest.mark.parametrize(
    "content",
    [b"", b"short", b"A" * 600, b"two words of enough length ok", b"\xff" * 30, "ä".encode() * 30],
)
def test_what_is_no_token_is_refused(tmp_path, content):
    """Empty, short, long, with spaces or not of ASCII: refused with a way out, and never repeated in the message."""
    path = tmp_path / "token"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(ConfigError) as refusal:
        read_or_make_token(path, "", lambda _: None)

    assert refusal.value.hint
    assert "two words" not in refusal.value.message


def test_a_token_file_in_no_folder_is_a_sentence(tmp_path):
    """A path that cannot be written is said with its reason."""
    with pytest.raises(ConfigError) as refusal:
        read_or_make_token(tmp_path / "nowhere" / "token", A_TOKEN, lambda _: None)

    assert "cannot be made" in refusal.value.message


@pytest.mark.parametrize("fault", ["no such file", "no PEM", "another key", "a password"])
def test_a_certificate_that_cannot_serve_is_refused_early(authority, tmp_path, fault):
    """Whatever is wrong with the files, it is said before anything is loaded, and nobody is asked for a password."""
    good = authority.sign(fault.replace(" ", "-"), "localhost")
    chain, key = good.chain, good.key
    if fault == "no such file":
        chain = tmp_path / "none.pem"
    elif fault == "no PEM":
        chain = tmp_path / "text.pem"
        chain.write_text("hello")
    elif fault == "another key":
        key = authority.root.key
    else:
        key = tmp_path / "locked.key"
        command = f"openssl ec -in '{good.key}' -aes128 -passout pass:x -out '{key}' 2>/dev/null"
        assert os.system(command) == 0  # noqa: S605 - our own words

    with pytest.raises(ConfigError) as refusal:
        check_certificate(ServerConfig(data_folder=tmp_path, tls_cert=chain, tls_key=key))

    assert str(chain) in refusal.value.message
    assert "--tls-cert" in refusal.value.hint


def test_a_key_without_certificate_is_refused(tmp_path):
    """Half of a setting does nothing silently."""
    with pytest.raises(ConfigError):
        ServerConfig(data_folder=tmp_path, tls_key=tmp_path / "key")


@pytest.mark.slow
def test_it_serves_over_tls_with_the_token_of_the_file(start, home, authority, tmp_path):  # noqa: F811
    """A service on another address, with a certificate and a kept token: found by its file, verified by its clients."""
    made = authority.sign("server", "localhost", "127.0.0.2")
    token_file = tmp_path / "token"
    arguments = (
        "--host", "127.0.0.2", "--token-file", str(token_file),
        "--tls-cert", str(made.chain), "--tls-key", str(made.key),
    )  # fmt: skip

    process, server = start(*arguments)

    token = token_file.read_text().strip()
    assert server.url.startswith("https://127.0.0.2:")
    assert server.token == token
    assert is_answering(server)
    trusting = ssl.create_default_context(cafile=str(authority.root.chain))
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(verify=trusting, headers=headers, trust_env=False) as client:
        assert client.get(f"{server.url}/v1/health").json()["service"] == "geo-r1"
        named = client.get(f"{server.url}/v1/health", headers={"Host": "gpu.example.org"})
        assert named.status_code == 421
    with (
        httpx.Client(trust_env=False, headers=headers) as client,
        pytest.raises(httpx.ConnectError),
    ):
        client.get(f"{server.url}/v1/health")
    process.terminate()
    said, _ = process.communicate(timeout=10)
    assert "not encrypted" not in said
    assert token not in said


def test_it_answers_under_the_address_that_it_listens_on(start_service):
    """The address of --host is allowed as Host header without saying it twice; other names are not."""
    running = start_service(host="192.0.2.7", allowed_hosts=("gpu.example.org",))

    told = {
        host: running.client.get("/v1/health", headers={"Host": host}).status_code
        for host in ("192.0.2.7:8443", "gpu.example.org", "192.0.2.8", "evil.example")
    }

    assert told == {
        "192.0.2.7:8443": 200,
        "gpu.example.org": 200,
        "192.0.2.8": 421,
        "evil.example": 421,
    }


def test_everywhere_is_no_name(start_service):
    """Listening on all addresses allows no name by itself."""
    everywhere = "0.0.0.0"  # noqa: S104 - the configuration only; the test binds loopback
    running = start_service(host=everywhere)

    assert running.client.get("/v1/health", headers={"Host": everywhere}).status_code == 421
