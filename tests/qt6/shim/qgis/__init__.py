"""Stand-in for QGIS with Qt 6, which no Debian packages yet: enough of the name space to run the plugin's own widgets.

`qgis.PyQt.X` is PyQt6's X, by an import hook. `qgis.core` and `qgis.gui` beside this file hold what the widgets use.
"""

import importlib
import importlib.abc
import importlib.util
import sys


class _PyQt6(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """`import qgis.PyQt.QtCore` brings `PyQt6.QtCore`."""

    def find_spec(self, name, path=None, target=None):
        if name == "qgis.PyQt" or name.startswith("qgis.PyQt."):
            return importlib.util.spec_from_loader(name, self, is_package=name == "qgis.PyQt")
        return None

    def create_module(self, spec):
        below = spec.name.removeprefix("qgis.PyQt")
        return importlib.import_module(f"PyQt6{below}") if below else None

    def exec_module(self, module):
        """Nothing is left to do: PyQt6 has loaded itself."""


sys.meta_path.insert(0, _PyQt6())


class Absent(type):
    """Class of the classes that this stand-in only names; to use one is a fault of the test."""

    def __getattr__(cls, name):
        raise AttributeError(
            f"{cls.__name__}.{name} needs a real QGIS; the stand-in has only the name"
        )

    def __call__(cls, *_, **__):
        raise TypeError(f"{cls.__name__} needs a real QGIS; the stand-in has only the name")


def absent(name):
    """A class that can be imported and asked for with isinstance, and nothing else."""
    return Absent(name, (), {})
