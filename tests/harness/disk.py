"""Small disks, which one can fill, and make read-only. Mounting one takes root, or sudo."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]


def mount(folder: Path, size: str) -> None:
    """Mounts a disk of that size, as tmpfs understands it, on a folder that is there."""
    subprocess.run([*AS_ROOT, "mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "tmpfs", folder], check=True)


def unmount(folder: Path) -> None:
    subprocess.run([*AS_ROOT, "umount", "--lazy", folder], check=True)


def remount(folder: Path, mode: str) -> None:
    """Makes a disk read-only ("ro"), which takes that nobody is writing a file there, or not ("rw")."""
    subprocess.run([*AS_ROOT, "mount", "-o", f"remount,{mode}", folder], check=True, capture_output=True)


def fill_up(file: Path) -> None:
    """Writes a file until the disk is full."""
    with file.open("wb", buffering=0) as out:
        try:
            while out.write(bytes(4096)):
                pass
        except OSError:
            return
