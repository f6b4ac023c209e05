"""Who may import whom, and what the service may load when it starts."""

import os
import subprocess
import sys

import pytest


def test_import_rules_hold(project_folder):
    """The import graph obeys every contract in pyproject.toml."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([".", "backend"])}
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as c; c()",
            "--no-cache",
        ],
        cwd=project_folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "module",
    [
        "geo_r1_backend.cli",  # `geo-r1 --help` must be quick
        "geo_r1_backend.api.app",  # the server process
        "geo_r1_backend.engines.onnx",  # the default engine
        "geo_r1_backend.grounding",
    ],
)
def test_starts_without_torch(module):
    """Importing the service loads neither torch nor transformers, which take seconds and a gigabyte."""
    code = f"import {module}, sys; print(*sorted({{'torch', 'transformers'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""
