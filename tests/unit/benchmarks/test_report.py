"""The benchmark's arithmetic: medians, ratios, and what is said of them."""

import json
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.goals import (
    BOUND,
    EQUAL,
    EXPORTED,
    GOALS,
    OURS,
    PILLOW,
    SHARP,
    Goal,
    Medians,
    NotMeasured,
    distance,
    faster,
    memory,
    worst_encoded,
    worst_master,
)
from benchmarks.report import exported_table, goals_table, page, works_tables
from benchmarks.task import piece
from benchmarks.works import CONTENDERS, WORKS, chosen, contenders, task, warm_task
from services.optimizer.placements import placement_book

ROOT = Path(__file__).parents[3]


def row(work="jpeg 2048.jpg", contender=OURS, round_=1, **values):
    usual = {
        "cpu_s": 1.0, "wall_s": 1.0, "peak_rss_mb": 100.0, "idle_rss_mb": 50.0, "bytes": 1000,
        "ssim": 0.97, "least_ssim": 0.96,
    }  # fmt: skip
    return {"work": work, "contender": contender, "round": round_} | usual | values


def test_the_median_of_the_rounds_counts_and_not_their_mean():
    known = Medians([row(round_=at, cpu_s=s) for at, s in enumerate((0.2, 0.3, 9.0))])
    assert known.of("jpeg 2048.jpg", OURS) == 0.3
    assert known.rounds == 3


def test_a_ratio_of_costs_is_the_peers_by_ours():
    known = Medians([row(contender=OURS, cpu_s=0.2), row(contender=SHARP, cpu_s=1.1)])
    goal = faster("jpeg", OURS, SHARP, 5, "faster")
    assert goal.measure(known) == pytest.approx(5.5)
    assert goal.met(goal.measure(known))
    assert not faster("jpeg", OURS, SHARP, 6, "faster").met(5.5)


def test_at_most_is_met_from_below_and_at_least_from_above():
    at_most = Goal("", "", "≤", 0.6, lambda _: 0.0)
    at_least = Goal("", "", "≥", 0.6, lambda _: 0.0)
    assert at_most.met(0.6)
    assert at_least.met(0.6)
    assert not at_most.met(0.6001)
    assert not at_least.met(0.5999)


def test_the_best_way_to_drive_sharp_is_chosen_on_every_master_and_the_worst_master_counts():
    known = Medians(
        [
            row("jpeg 1024.jpg", OURS, cpu_s=1),
            row("jpeg 1024.jpg", SHARP, cpu_s=9),
            row("jpeg 1024.jpg", "sharp, clones", cpu_s=3),
            row("jpeg 1024.jpg", "sharp, decoded once", cpu_s=4),
            row("jpeg 4096.png", OURS, cpu_s=1),
            row("jpeg 4096.png", SHARP, cpu_s=2.5),
            row("jpeg 4096.png", "sharp, clones", cpu_s=8),
            row("jpeg 4096.png", "sharp, decoded once", cpu_s=8),
        ]
    )
    assert known.best_sharp("jpeg 1024.jpg") == "sharp, clones"
    assert worst_master(known) == pytest.approx(2.5)


def test_a_best_way_is_not_named_while_one_of_the_ways_is_unknown():
    with pytest.raises(NotMeasured):
        Medians([row(), row(contender=SHARP)]).best_sharp("jpeg 2048.jpg")


def test_memory_is_that_of_the_work_where_we_are_worst():
    known = Medians(
        [
            row("jpeg 2048.jpg", OURS, peak_rss_mb=50),
            row("jpeg 2048.jpg", SHARP, peak_rss_mb=100),
            row("webp 2048.jpg", OURS, peak_rss_mb=70),
            row("webp 2048.jpg", SHARP, peak_rss_mb=100),
        ]
    )
    assert memory(known) == pytest.approx(0.7)


def test_encoded_fidelity_compares_equal_settings_where_there_are_any():
    known = Medians(
        [
            row("webp 2048.jpg", OURS, ssim=0.90),
            row("webp 2048.jpg", EQUAL, ssim=0.95),
            row("webp 2048.jpg", SHARP, ssim=0.951),
        ]
    )
    assert worst_encoded(known) == pytest.approx(-0.001)


def test_the_distance_to_the_bound_is_ours_by_the_encoders_alone():
    known = Medians([row(cpu_s=0.9), row(contender=BOUND, cpu_s=0.3)])
    assert distance("jpeg")(known) == pytest.approx(3)


def test_what_was_not_measured_is_said_and_not_made_up():
    told = goals_table(Medians([row(contender=PILLOW)]))
    assert told.count("not measured") == len(GOALS)
    assert "yes" not in told


def test_the_page_names_the_machine_the_rounds_and_every_contender():
    known = Medians([row(), row(contender=SHARP, cpu_s=3)])
    told = page(known, {"CPU": "abacus"})
    assert "- CPU: abacus" in told
    assert "Medians of 1 interleaved" in told
    assert "| sharp | 3.000 (3.000–3.000) | 3.00× |" in works_tables(known)


def test_a_work_whose_own_contender_is_missing_is_still_tabled():
    assert "| pillow, decoded once | 1.000 (1.000–1.000) | – |" in works_tables(
        Medians([row(contender=PILLOW)])
    )


def test_every_piece_lies_inside_its_master_and_has_the_ratio_of_its_size():
    for work in WORKS:
        for one in task(work, CONTENDERS[0], __file__).pieces:
            left, top, right, bottom = one.box
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1
            ratio = (right - left) / (bottom - top)
            assert ratio == pytest.approx(one.width / one.height, rel=2e-3)


def test_no_piece_is_larger_than_what_it_is_cut_from():
    for work in WORKS:
        side = int(work.split()[1].split(".")[0])
        pieces = task(work, CONTENDERS[0], __file__).pieces
        assert len({(one.width, one.height) for one in pieces}) == 20
        assert all(max(one.cover) <= side for one in pieces)


def test_the_sizes_are_the_first_of_the_placements_that_fit_two_thousand_pixels():
    fitting = [
        (one.width, one.height)
        for one in placement_book("2026-11").placements
        if max(one.width, one.height) <= 2048
    ]
    pieces = task("jpeg 2048.jpg", CONTENDERS[0], __file__).pieces
    assert [(one.width, one.height) for one in pieces] == list(dict.fromkeys(fitting))[:20]


def test_mixed_formats_are_as_the_placements_take_them():
    formats = [one.format for one in task("mixed 2048.jpg", CONTENDERS[0], __file__).pieces]
    with_avif = [one.format for one in task("mixed+avif 2048.jpg", CONTENDERS[0], __file__).pieces]
    assert Counter(formats) == {"jpeg": 10, "webp": 7, "png": 3}
    assert Counter(with_avif) == {"jpeg": 10, "webp": 5, "png": 3, "avif": 2}


def test_a_wide_piece_is_cut_from_the_middle():
    one = piece((100, 50), (1000, 1000), "jpeg", {})
    assert (one.cover, one.corner, one.box) == ((100, 100), (0, 25), (0, 0.25, 1, 0.75))


def test_works_are_chosen_by_format_by_master_or_by_name():
    assert chosen("") == list(WORKS)
    assert chosen("webp,avif 1024.png") == ["webp 2048.jpg", "avif 1024.png"]
    assert "jpeg 1024.png" in chosen("1024.png")
    with pytest.raises(ValueError, match="gif"):
        chosen("gif")


def test_every_work_is_done_by_us_and_by_a_peer_and_warmed_up_in_its_formats():
    for work in WORKS:
        names = {one.name for one in contenders(work)}
        assert OURS in names
        assert names & {SHARP, "smartcrop.js"}
        first = contenders(work)[0]
        warm = {one.format for one in warm_task(work, first, __file__).pieces}
        assert warm == {one.format for one in task(work, first, __file__).pieces}


def test_the_page_in_docs_is_what_the_results_say():
    """`python -m benchmarks.report --out docs/benchmarks.md` writes it anew."""
    results = ROOT / "benchmarks" / "results"
    rows, machine = (
        json.loads((results / name).read_text()) for name in ("optimizer.json", "machine.json")
    )
    assert (ROOT / "docs" / "benchmarks.md").read_text() == page(Medians(rows), machine)


def test_exports_as_users_get_them_are_held_beside_sharp():
    rows = [
        row(contender=EXPORTED, cpu_s=0.5, bytes=90, peak_rss_mb=60),
        row(contender=SHARP, cpu_s=1.0, bytes=100, peak_rss_mb=120),
        row("png 2048.jpg", SHARP),
    ]
    assert "| jpeg 2048.jpg | sharp | 2.00× | 0.90× | 0.50× |" in exported_table(Medians(rows))
    assert "png" not in exported_table(Medians(rows))
