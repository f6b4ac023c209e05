"""`python -m geo_r1_backend` is `geo-r1`."""

from __future__ import annotations

import sys

from geo_r1_backend.cli import main

if __name__ == "__main__":
    sys.exit(main())
