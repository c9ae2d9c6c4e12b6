"""Compute: as many threads as there are CPUs for this process."""

import os

import pytest

from studio.compute import available_cpus

FREE = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("quota", "cpus"),
    [
        ("50000 100000", 1),
        ("100000 100000", 1),
        ("150000 100000", min(FREE, 2)),
        (f"{100_000 * (FREE + 5)} 100000", FREE),
        ("max 100000", FREE),
        ("nonsense", FREE),
    ],
)
def test_a_container_uses_no_more_cpus_than_its_quota(tmp_path, quota, cpus):
    (tmp_path / "cpu.max").write_text(quota + "\n")
    assert available_cpus(tmp_path / "cpu.max") == cpus


def test_without_a_quota_the_affinity_mask_counts(tmp_path):
    assert available_cpus(tmp_path / "missing") == FREE
