"""Where the service keeps its files and where its command is usually installed, on the three systems.

Pure path arithmetic: nothing is read or started here. `env` is a copy of the environment, `system` is
`sys.platform`.
"""

from __future__ import annotations

import ntpath
import posixpath
from typing import Callable, Dict, List, Mapping, Optional

COMMAND = "geo-r1"

_FOREIGN_PREFIXES = (
    "PYTHON",
    "PROJ_",
    "GDAL_",
    "QT_",
    "QML",
    "DYLD_",
    "OSGEO4W",
    "QGIS_",
    "CONDA_",
)
_FOREIGN_NAMES = ("LD_LIBRARY_PATH", "LD_PRELOAD", "VIRTUAL_ENV", "GISBASE")


def is_windows(system: str) -> bool:
    """Whether `sys.platform` names Windows."""
    return system.startswith("win")


def data_folder(system: str, env: Mapping[str, str], home: str) -> str:
    """The folder of `server.json` and `logs/`, as the service computes it."""
    chosen = env.get("GEO_R1_HOME", "").strip()
    if chosen:
        return home + chosen[1:] if chosen == "~" or chosen.startswith(("~/", "~\\")) else chosen
    if is_windows(system):
        base = env.get("LOCALAPPDATA") or ntpath.join(home, "AppData", "Local")
        return ntpath.join(base, "geo-r1")
    if system == "darwin":
        return posixpath.join(home, "Library", "Application Support", "geo-r1")
    return posixpath.join(home, ".local", "share", "geo-r1")


def command_candidates(
    system: str, env: Mapping[str, str], home: str, setting: str = ""
) -> List[str]:
    """Full paths at which `geo-r1` may lie, best first.

    A path that the user gave (setting, then `GEO_R1_COMMAND`) is the only candidate: to run another program than
    the one that was asked for would be worse than to say that it is missing.
    """
    given = setting.strip() or env.get("GEO_R1_COMMAND", "").strip()
    if given:
        return [given]
    if is_windows(system):
        return _unique(_on_path(env, ";", ntpath.join, ".exe") + _windows_places(env, home))
    return _unique(_on_path(env, ":", posixpath.join, "") + _posix_places(system, env, home))


def find_command(candidates: List[str], is_program: Callable[[str], bool]) -> Optional[str]:
    """The first candidate that can be run."""
    return next((path for path in candidates if is_program(path)), None)


def clean_environment(env: Mapping[str, str]) -> Dict[str, str]:
    """The environment without what QGIS set for itself and what would break another Python or GDAL."""
    return {
        name: value
        for name, value in env.items()
        if not name.upper().startswith(_FOREIGN_PREFIXES) and name.upper() not in _FOREIGN_NAMES
    }


def _on_path(
    env: Mapping[str, str], separator: str, join: Callable[..., str], suffix: str
) -> List[str]:
    folders = env.get("PATH", env.get("Path", "")).split(separator)
    return [join(folder.strip('"'), COMMAND + suffix) for folder in folders if folder.strip('"')]


def _posix_places(system: str, env: Mapping[str, str], home: str) -> List[str]:
    folders = [
        env.get("PIPX_BIN_DIR", ""),
        env.get("UV_TOOL_BIN_DIR", ""),
        env.get("XDG_BIN_HOME", ""),
        f"{home}/.local/bin",  # pip --user, pipx and uv
        f"{home}/.local/share/pipx/venvs/geo-r1-backend/bin",
        f"{home}/.local/pipx/venvs/geo-r1-backend/bin",
        f"{home}/.local/share/uv/tools/geo-r1-backend/bin",
        f"{env['CONDA_PREFIX']}/bin" if env.get("CONDA_PREFIX") else "",
    ]
    for conda in ("miniforge3", "mambaforge", "miniconda3", "anaconda3"):
        folders += [f"{home}/{conda}/envs/geo-r1/bin", f"{home}/{conda}/bin"]
    if system == "darwin":  # an application started from the Dock does not have the shell's PATH
        folders += [
            "/opt/homebrew/bin",
            f"{home}/Library/Application Support/pipx/venvs/geo-r1-backend/bin",
        ]
    folders += ["/usr/local/bin", "/opt/geo-r1/bin"]
    return [posixpath.join(folder, COMMAND) for folder in folders if folder]


def _windows_places(env: Mapping[str, str], home: str) -> List[str]:
    local = env.get("LOCALAPPDATA") or ntpath.join(home, "AppData", "Local")
    roaming = env.get("APPDATA") or ntpath.join(home, "AppData", "Roaming")
    folders = [
        env.get("PIPX_BIN_DIR", ""),
        env.get("UV_TOOL_BIN_DIR", ""),
        ntpath.join(home, ".local", "bin"),
        ntpath.join(home, "pipx", "venvs", "geo-r1-backend", "Scripts"),
        ntpath.join(local, "pipx", "pipx", "venvs", "geo-r1-backend", "Scripts"),
        ntpath.join(roaming, "uv", "tools", "geo-r1-backend", "Scripts"),
        ntpath.join(env["CONDA_PREFIX"], "Scripts") if env.get("CONDA_PREFIX") else "",
    ]
    folders += [
        ntpath.join(roaming, "Python", f"Python3{minor}", "Scripts") for minor in range(14, 9, -1)
    ]
    for conda in ("miniforge3", "mambaforge", "miniconda3", "anaconda3"):
        folders += [
            ntpath.join(home, conda, "envs", "geo-r1", "Scripts"),
            ntpath.join(home, conda, "Scripts"),
        ]
    return [ntpath.join(folder, COMMAND + ".exe") for folder in folders if folder]


def _unique(paths: List[str]) -> List[str]:
    return list(dict.fromkeys(paths))
