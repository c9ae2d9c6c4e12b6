"""The page on throughput says of memory what its figures say."""

from benchmarks.throughput import memory_said


def processes(**quarters: tuple[int, int]) -> dict:
    return {
        name: {"rss_mb_second_quarter": second, "rss_mb_last_quarter": last}
        for name, (second, last) in quarters.items()
    }


def test_memory_that_stays_within_a_twentieth_is_called_flat():
    assert memory_said(processes(edit=(134, 134), optimizer=(800, 840))).startswith(
        "Memory is flat: no process grew by more than 5%"
    )


def test_memory_that_grew_is_not_called_flat_and_the_process_is_named():
    said = memory_said(processes(edit=(134, 134), optimizer=(805, 928)))
    assert "not flat" in said
    assert "optimizer by 15%" in said
    assert "edit" not in said
