"""Requests and limits follow from what was measured, by the rule that the page states."""

import json

from benchmarks.sizing import page, recommended


def service(*, busy=300, largest=900, cores=0.4):
    return {
        "start": {"seconds": 2.0, "cpu_s": 1.5, "rss_mib": 130},
        "idle": {"rss_mib": 131, "pss_mib": 100, "cores": 0.004, "seconds": 30.0},
        "busy": {
            "peak_rss_mib": busy, "cores": cores, "items": 40, "items_per_s": 2.0, "cpu_s": 10.0,
        },
        "largest": {"work": "two large ones", "peak_rss_mib": largest},
        "rss_mib_afterwards": 200,
    }  # fmt: skip


def found(**services):
    every = {name: service() for name in ("create", "edit", "gateway")} | services
    return {
        "machine": {"CPU": "abacus"},
        "servers": {"broker": "a rabbit"},
        "load_before": 0.1,
        "services": every,
    }


def test_a_request_covers_the_peak_at_work_and_a_fifth_more():
    assert recommended("edit", service(busy=300)).memory_request == 384  # 360, in steps of 64


def test_a_limit_covers_one_of_the_largest_pictures_beside_the_ordinary_work():
    # 300 at work and half of 931 - 131, a quarter more: 875, in steps of 128
    assert recommended("edit", service(busy=300, largest=931)).memory_limit == 896


def test_a_limit_is_never_below_the_request():
    for busy in (100, 500, 1000, 2000):
        sizes = recommended("edit", service(busy=busy, largest=90))
        assert sizes.memory_limit >= sizes.memory_request


def test_the_peak_of_a_longer_run_counts_where_it_is_higher():
    assert recommended("edit", service(busy=300), long_peak=1000).memory_request == 1216
    assert recommended("edit", service(busy=300), long_peak=200) == recommended(
        "edit", service(busy=300)
    )


def test_a_studio_is_promised_a_core_whatever_share_of_the_machine_it_got():
    assert recommended("edit", service(cores=0.3)).cpu_request == 1000
    assert recommended("create", service(cores=1.9)).cpu_request == 1000


def test_the_gateway_is_promised_what_its_rate_of_requests_takes():
    measured = service()
    measured["busy"] |= {"items": 600, "cpu_s": 10.0}
    assert recommended("gateway", measured).cpu_request == 350  # 20/s × 16.7 ms, in steps of 50


def test_the_page_says_what_was_measured_where_and_what_follows(tmp_path):
    told = page(found(edit=service(busy=1000, largest=2000, cores=1.8)), tmp_path)
    assert "| edit | 1216Mi | 2432Mi | 1000m | 2000m |" in told
    assert "CPU abacus" in told
    assert "The machine was quiet" in told


def test_the_page_says_that_other_work_shared_the_machine(tmp_path):
    assert "Other work shared the machine" in page({**found(), "load_before": 7.5}, tmp_path)


def test_the_page_names_the_longer_run_that_went_higher(tmp_path):
    throughput = {"processes": {"edit": {"peak_mb": 1170}, "create": {"peak_mb": 10}}}
    (tmp_path / "throughput.json").write_text(json.dumps(throughput))
    told = page(found(), tmp_path)
    assert "edit 1170 MiB" in told
    assert "create 10 MiB" not in told
