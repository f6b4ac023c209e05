"""An authority of the tests and certificates that it signs, made with openssl; none outlives its test."""

import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path


@dataclass(frozen=True)
class Certificate:
    """Two PEM files."""

    chain: Path
    key: Path


class Authority:
    """Makes certificates in a folder."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.root = self._self_signed("authority", "CN=Test authority", ["-extensions", "v3_ca"])

    def sign(self, name, *names, days=(-1, 30)) -> Certificate:
        """A certificate for host names and addresses, valid from and until so many days from now."""
        request, made = self._folder / f"{name}.csr", self._paths(name)
        extensions = self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={_alternatives(names)}\nbasicConstraints=CA:FALSE\n")
        _openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", made.key, "-out", request, "-subj", f"/CN={names[0]}",
        )  # fmt: skip
        folder = self._folder / f"{name}.ca"
        folder.mkdir()
        (folder / "index.txt").touch()
        (folder / "serial").write_text(f"{int.from_bytes(name.encode()[:8], 'big'):016X}\n")
        (folder / "ca.cnf").write_text(_CA.format(folder=folder, root=self.root))
        begin, end = (_time(day) for day in days)
        _openssl(
            "ca", "-batch", "-config", folder / "ca.cnf", "-in", request, "-out", made.chain,
            "-startdate", begin, "-enddate", end, "-extfile", extensions, "-notext",
        )  # fmt: skip
        return made

    def self_signed(self, name, *names) -> Certificate:
        """A certificate that nobody vouches for."""
        return self._self_signed(
            name, f"CN={names[0]}", ["-addext", f"subjectAltName={_alternatives(names)}"]
        )

    def _self_signed(self, name, subject, more) -> Certificate:
        made = self._paths(name)
        _openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "30", "-keyout", made.key, "-out", made.chain, "-subj", f"/{subject}", *more,
        )  # fmt: skip
        return made

    def _paths(self, name) -> Certificate:
        return Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")


_CA = """
[ca]
default_ca = tests
[tests]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {root.chain}
private_key = {root.key}
default_md = sha256
policy = any
[any]
commonName = supplied
"""


def _alternatives(names):
    return ",".join(
        f"IP:{name}" if name.replace(".", "").isdigit() or ":" in name else f"DNS:{name}"
        for name in names
    )


def _time(days):
    return (datetime.now(timezone.utc) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


def _openssl(*arguments):
    done = subprocess.run(
        ["openssl", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr
