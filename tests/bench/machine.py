"""The machine that storage.py ran on, and the versions of what it measured."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path


def machine() -> str:
    """One line: cores, memory, system, where temporary files are, and how busy it is now."""
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return (f"{os.cpu_count()} cores ({_processor()}), {gigabytes:.0f} GB of memory, {platform.system()} {platform.release()} "
            f"{platform.machine()}, files on {_file_system()}, with a load of {os.getloadavg()[0]:.1f} at the start")


def versions() -> str:
    """One line: what took part."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("dash-extensions", "Flask-Caching", "cachelib", "dash", "orjson"))
    return (f"Go {_said('go', 'env', 'GOVERSION').removeprefix('go')}, Redis {_number('redis-server', '--version')}, "
            f"memcached {_number('memcached', '--version')}, Python {platform.python_version()}, {packages}, "
            f"redis-py {version('redis')}; Dashstash {_said('git', 'describe', '--always', '--dirty')}")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    model = re.search(r"^model name\s*: (.*)", info.read_text(), re.MULTILINE) if info.exists() else None
    return model[1].strip() if model else platform.processor() or "unknown"


def _file_system() -> str:
    return _said("findmnt", "--noheadings", "--output", "FSTYPE", "--target", tempfile.gettempdir()) or "an unknown file system"


def _number(*command: str) -> str:
    found = re.search(r"\d+(\.\d+)+", _said(*command))
    return found[0] if found else "unknown"


def _said(*command: str) -> str:
    """What a command says; nothing, where it does not exist."""
    try:
        return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()
    except FileNotFoundError:
        return ""
