"""Machine: where figures were measured, and with which versions of everything."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from PIL import features

_PEERS = Path(__file__).parent / "peers"
_ASK_SHARP = "import('sharp').then(s => console.log(JSON.stringify(s.default.versions)))"


def description() -> dict[str, str]:
    """What it is and what the contenders are, in words, by name."""
    return {**host(), "ours": _ours(), "sharp": _sharp(), "libvips": _libvips()}


def host() -> dict[str, str]:
    """What it is, in words, by name."""
    return {
        "CPU": f"{_cpu_model()}, {len(os.sched_getaffinity(0))} cores",
        "memory": f"{_memory_gib():.0f} GiB",
        "system": f"{_system()}, Linux {platform.release()}, {platform.machine()}",
        "Python": platform.python_version(),
    }


def _libvips() -> str:
    told = import_module("pyvips").version
    return f"{told(0)}.{told(1)}.{told(2)}, pyvips {version('pyvips')}"


def _ours() -> str:
    names = ("Pillow", "cykooz-resizer", "deflate", "numpy")
    found = [f"{name} {version(name)}" for name in names]
    found += [
        f"libjpeg-turbo {features.version('libjpeg_turbo')}",
        f"libwebp {features.version('webp')}",
        f"libavif {_avif_version()}",
    ]
    return ", ".join(found)


def _avif_version() -> str:
    """With its codecs, as Pillow's own report words them."""
    _avif = import_module("PIL._avif")
    return f"{_avif.libavif_version} ({_avif.codec_versions()})"


def _sharp() -> str:
    node = shutil.which("node") or "node"
    told = subprocess.run(
        [node, "-e", _ASK_SHARP], cwd=_PEERS, capture_output=True, text=True, check=True
    )
    known: dict[str, str] = json.loads(told.stdout)
    names = ("sharp", "vips", "mozjpeg", "webp", "heif", "aom", "png", "zlib-ng")
    used = ", ".join(f"{name} {known[name]}" for name in names if name in known)
    runtime = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    return f"{used}, Node {runtime.stdout.strip().removeprefix('v')}"


def _cpu_model() -> str:
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return found[1].strip() if found else platform.processor() or "unknown"


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _system() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
