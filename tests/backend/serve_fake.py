"""`geo-r1 serve` with fixed answers and the fake runner, as a process of its own that tests can kill."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "backend"), str(ROOT)]

from geo_r1_backend.config import ServerConfig  # noqa: E402
from geo_r1_backend.serve import serve  # noqa: E402
from tests.backend.fixed_engine import FixedEngine, loader  # noqa: E402
from tests.backend.training import FAKE_RUNNER  # noqa: E402


def main(home):
    config = ServerConfig(data_folder=Path(home), idle_minutes=2.0)
    return serve(config, lambda line: None, load=loader(FixedEngine()), runner=FAKE_RUNNER)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
