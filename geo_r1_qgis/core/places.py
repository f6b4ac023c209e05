"""Where the service keeps its files and where its command is usually installed, on the three systems.

Pure path arithmetic: nothing is read or started here. `env` is a copy of the environment, `system` is
`sys.platform`.
"""

from __future__ import annotations

import ntpath
import posixpath
from typing import Callable, Dict, List, Mapping, Optional

COMMAND = "geo-r1"
PACKAGE = "geo-r1-backend"
WINDOWLESS = "geo-r1-service"
"""The same program without a console. On Windows Qt gives a detached console program a window of its own."""

LONG_WINDOWS_PATH = 200
"""Windows refuses files beyond 260 characters unless the path begins with ``\\\\?\\``; below a folder of this length
names of ours still fit."""

_FOREIGN_PREFIXES = (
    "PYTHON",
    "PROJ_",
    "GDAL_",
    "OGR_",
    "CPL_",
    "VSI_",
    "GEOTIFF_",
    "QT_",
    "QML",
    "DYLD_",
    "OSGEO4W",
    "QGIS_",
    "CONDA_",
)
_FOREIGN_NAMES = (
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "VIRTUAL_ENV",
    "GISBASE",
    "__PYVENV_LAUNCHER__",
)
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


def is_windows(system: str) -> bool:
    """Whether `sys.platform` names Windows."""
    return system.startswith("win")


def data_folder(system: str, env: Mapping[str, str], home: str) -> str:
    """The folder of `server.json` and `logs/`, as the service computes it.

    A relative `GEO_R1_HOME` lies below the home folder: QGIS and the service have different working folders.
    """
    windows = is_windows(system)
    path = ntpath if windows else posixpath
    chosen = env.get("GEO_R1_HOME", "").strip()
    if chosen:
        is_home = chosen == "~" or chosen.startswith(("~/", "~\\") if windows else "~/")
        folder = path.join(home, chosen[2:] if is_home else chosen)
    elif windows:
        local = env.get("LOCALAPPDATA", "").strip()
        folder = path.join(local or path.join(home, "AppData", "Local"), "geo-r1")
    elif system == "darwin":
        folder = path.join(home, "Library", "Application Support", "geo-r1")
    else:
        folder = path.join(home, ".local", "share", "geo-r1")
    folder = path.normpath(folder)
    return _long_windows_path(folder) if windows else folder


def _long_windows_path(folder: str) -> str:
    if len(folder) < LONG_WINDOWS_PATH or folder.startswith("\\\\?\\"):
        return folder
    if folder.startswith("\\\\"):
        return "\\\\?\\UNC" + folder[1:]
    return "\\\\?\\" + folder


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


def windowless(system: str, command: str, is_program: Callable[[str], bool]) -> str:
    """What to start for a service that nobody watches: the program without a console beside `command`, on Windows."""
    folder, name = ntpath.split(command)
    if is_windows(system) and name.lower() in (COMMAND, f"{COMMAND}.exe"):
        beside = ntpath.join(folder, f"{WINDOWLESS}.exe")
        return beside if is_program(beside) else command
    return command


def clean_environment(env: Mapping[str, str]) -> Dict[str, str]:
    """The environment without what QGIS set for itself and what would break another Python or GDAL.

    Certificates stay, for they may be the user's; those that QGIS on Windows brings along go with the rest of it.
    """
    root = env.get("OSGEO4W_ROOT", "").rstrip("/\\")

    def is_foreign(name: str, value: str) -> bool:
        upper = name.upper()
        if upper in _CERTIFICATES:
            return bool(root) and _is_below(value, root)
        return upper.startswith(_FOREIGN_PREFIXES) or upper in _FOREIGN_NAMES

    return {name: value for name, value in env.items() if not is_foreign(name, value)}


def _is_below(path: str, root: str) -> bool:
    plain = [ntpath.normcase(each) for each in (path, root)]
    return plain[0] == plain[1] or plain[0].startswith(plain[1] + "\\")


def _on_path(
    env: Mapping[str, str], separator: str, join: Callable[..., str], suffix: str
) -> List[str]:
    folders = env.get("PATH", env.get("Path", "")).split(separator)
    return [join(folder.strip('"'), COMMAND + suffix) for folder in folders if folder.strip('"')]


def _posix_places(system: str, env: Mapping[str, str], home: str) -> List[str]:
    data = env.get("XDG_DATA_HOME") or f"{home}/.local/share"
    folders = [env.get(name, "") for name in _BIN_VARIABLES]
    folders.append(f"{home}/.local/bin")  # pip --user, pipx and uv
    homes = [env.get("PIPX_HOME", ""), f"{data}/pipx", f"{home}/.local/pipx"]
    if system == "darwin":
        homes.append(f"{home}/Library/Application Support/pipx")
    homes.append("/opt/pipx")  # pipx --global
    folders += [f"{pipx}/venvs/{PACKAGE}/bin" for pipx in homes if pipx]
    tools = [env.get("UV_TOOL_DIR", ""), f"{data}/uv/tools"]
    folders += [f"{uv}/{PACKAGE}/bin" for uv in tools if uv]
    if env.get("CONDA_PREFIX"):
        folders.append(f"{env['CONDA_PREFIX']}/bin")
    condas = [env.get("MAMBA_ROOT_PREFIX", "")]
    condas += [f"{home}/{conda}" for conda in _CONDAS]
    condas += [f"{data}/mamba", "/opt/conda"] + [f"/opt/{conda}" for conda in _CONDAS]
    if system == "darwin":
        condas += [f"/opt/homebrew/Caskroom/{conda}/base" for conda in _CASKS]
        condas += [f"/usr/local/Caskroom/{conda}/base" for conda in _CASKS]
    for conda in filter(None, condas):
        folders += [f"{conda}/envs/geo-r1/bin", f"{conda}/bin"]
    if system == "darwin":  # an application started from the Dock does not have the shell's PATH
        folders.append("/opt/homebrew/bin")
        folders += [f"{home}/Library/Python/3.{minor}/bin" for minor in _MINORS]
        framework = "/Library/Frameworks/Python.framework/Versions"
        folders += [f"{framework}/3.{minor}/bin" for minor in _MINORS]
    folders += ["/usr/local/bin", "/opt/geo-r1/bin"]
    return [posixpath.join(folder, COMMAND) for folder in folders if folder]


def _windows_places(env: Mapping[str, str], home: str) -> List[str]:
    join = ntpath.join
    local = env.get("LOCALAPPDATA") or join(home, "AppData", "Local")
    roaming = env.get("APPDATA") or join(home, "AppData", "Roaming")
    shared = env.get("PROGRAMDATA") or env.get("ProgramData") or "C:\\ProgramData"
    folders = [env.get(name, "") for name in _BIN_VARIABLES]
    folders.append(join(home, ".local", "bin"))  # uv, pipx
    pipx = [env.get("PIPX_HOME", ""), join(local, "pipx", "pipx"), join(local, "pipx")]
    pipx += [join(home, "pipx"), join(home, ".local", "pipx")]
    folders += [join(each, "venvs", PACKAGE, "Scripts") for each in pipx if each]
    tools = [env.get("UV_TOOL_DIR", ""), join(roaming, "uv", "data", "tools")]
    tools.append(join(roaming, "uv", "tools"))
    folders += [join(each, PACKAGE, "Scripts") for each in tools if each]
    if env.get("CONDA_PREFIX"):
        folders.append(join(env["CONDA_PREFIX"], "Scripts"))
    for minor in _MINORS:  # pip --user, pip, pip --user of the Store's Python
        python = f"Python3{minor}"
        folders.append(join(roaming, "Python", python, "Scripts"))
        folders.append(join(local, "Programs", "Python", python, "Scripts"))
        store = f"PythonSoftwareFoundation.Python.3.{minor}_qbz5n2kfra8p0"
        packages = join(local, "Packages", store, "LocalCache", "local-packages")
        folders.append(join(packages, python, "Scripts"))
    condas = [env.get("MAMBA_ROOT_PREFIX", "")]
    condas += [join(base, conda) for base in (home, local, shared) for conda in _CONDAS]
    condas += [join(roaming, "mamba"), join(local, "Continuum", "anaconda3")]
    for conda in filter(None, condas):
        folders += [join(conda, "envs", "geo-r1", "Scripts"), join(conda, "Scripts")]
    return [join(folder, COMMAND + ".exe") for folder in folders if folder]


_BIN_VARIABLES = ("PIPX_BIN_DIR", "UV_TOOL_BIN_DIR", "XDG_BIN_HOME")
_CONDAS = ("miniforge3", "mambaforge", "miniconda3", "anaconda3", "micromamba")
_CASKS = ("miniforge", "mambaforge", "miniconda", "anaconda")
_MINORS = range(15, 9, -1)


def _unique(paths: List[str]) -> List[str]:
    return list(dict.fromkeys(paths))
