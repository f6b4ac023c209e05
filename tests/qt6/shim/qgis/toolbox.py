# ruff: noqa: N802 - the names are those of QGIS
"""The part of Processing that a plugin touches when it comes and goes; algorithms themselves need a real QGIS."""


class QgsProcessingProvider:
    """Holds nothing: `loadAlgorithms` is QGIS's to call."""


class _Registry:
    def __init__(self):
        self.providers = []

    def addProvider(self, provider):
        self.providers.append(provider)
        return True

    def removeProvider(self, provider):
        self.providers.remove(provider)
        return True


_registry = _Registry()


def registry():
    """The one of this process."""
    return _registry
