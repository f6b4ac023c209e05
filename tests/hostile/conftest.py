"""The service of `tests/backend`, for tests that wish it ill. Everything goes to loopback, bounded in count and time."""

from tests.backend.conftest import model_folder, service, start_service

__all__ = ["model_folder", "service", "start_service"]
