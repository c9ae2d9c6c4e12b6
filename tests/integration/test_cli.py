"""The `studio` command, against the platform in one process: what it does, prints and returns."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from PIL import Image as Pillow

from cli.__main__ import main
from tests.integration.test_api import http, url

__all__ = ["http", "url"]  # fixtures: the platform in one process, and a client of it

SMALL = "google_business_photo"  # 720×720
Told = tuple[int, str]
Studio = Callable[..., Told]


@pytest.fixture
def studio(url: str, unique: str, capsys: pytest.CaptureFixture[str]) -> Studio:
    """Runs the command in the workspace of `http`; returns its status and all that it printed."""

    def run(*arguments: str | Path) -> Told:
        try:
            status = main(["--url", url, "--workspace", unique, *map(str, arguments)])
        except SystemExit as ended:
            status = int(ended.code or 0)
        told = capsys.readouterr()
        return status, told.out + told.err

    return run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Large enough for a small placement."""
    file = tmp_path / "poster.png"
    Pillow.effect_mandelbrot((760, 760), (-2, -1.5, 1, 1.5), 40).convert("RGB").save(file)
    return file


@pytest.fixture
def two(studio: Studio, photo: Path, http: httpx.Client) -> list[str]:
    """The ids of an imported photo and of its rendition."""
    status, told = studio("run", "quick-social-post", "--photo", photo, "-p", f"placements={SMALL}")
    assert status == 0, told
    found = http.get("/v1/assets", params={"sort": "created_at"}).json()["assets"]
    return [one["id"] for one in found]


def assets(http: httpx.Client, **filters: str) -> list[dict]:
    return http.get("/v1/assets", params=filters).json()["assets"]


def test_a_run_tells_its_price_before_and_what_was_made_after(studio, photo, tmp_path):
    out = tmp_path / "saved"
    status, told = studio(
        "run", "quick-social-post", "--photo", photo, "-p", f"placements={SMALL}", "--out", out
    )
    assert status == 0
    before, _, after = told.partition("\nrun ")
    assert "quick-social-post: 1 image for 0 USD" in before
    assert re.search(r"optimizer\.export +local +1 image +0 USD +720×720", before)
    assert "completed: 1 image for 0 USD" in after
    [folder] = out.iterdir()
    assert folder.name in after
    assert sorted(one.suffix for one in folder.iterdir()) == [".jpg", ".json", ".png"]


def test_what_failed_of_a_run_that_completed_is_told_and_makes_the_status_1(studio, photo):
    shop = "google_merchant_main"
    status, told = studio(
        "run", "social-media-campaign", "--photo", photo, "-p", "campaign=Q1", "-p", "fit=contain",
        "-p", f"placements={SMALL}", "-p", f"placements={shop}", "-p", "overlay.headline=Hello",
    )  # fmt: skip
    assert status == 1
    assert "completed: 1 image for 0 USD, 1 not made" in told
    assert f"not made: {shop}: {shop} takes no picture with text or a logo on it." in told
    assert "Leave the overlay out for this placement." in told


OWN = """\
- operation: create.generate
  params: {prompt: red poster, width: 96, height: 96, quality: draft}
- operation: edit.adjust
  params: {brightness: 0.1}
"""


def test_steps_of_ones_own_are_quoted_run_and_saved(studio, tmp_path, http):
    file = tmp_path / "steps.yaml"
    file.write_text(OWN)
    status, told = studio("run", "--steps", file, "--quote")
    assert (status, told.startswith("steps.yaml: 1 image for 0 USD")) == (0, True)
    assert http.get("/v1/runs").json()["runs"] == []
    status, told = studio("run", "--steps", file, "--out", tmp_path / "saved")
    assert (status, "completed: 1 image for 0 USD" in told) == (0, True), told
    assert told.index("1 image for 0 USD") < told.index("\nrun ")
    assert sorted(one["operation"] for one in assets(http)) == ["create.generate", "edit.adjust"]


def test_steps_come_from_standard_input_and_begin_with_assets_or_a_photo(
    studio, two, photo, http, monkeypatch
):
    adjust = '[{"operation": "edit.adjust", "params": {"contrast": 0.2}}]'
    monkeypatch.setattr("sys.stdin", io.StringIO(adjust))
    assert studio("run", "--steps", "-", "--asset", two[1])[0] == 0
    [adjusted] = assets(http, operation="edit.adjust")
    assert adjusted["parents"] == [two[1]]
    monkeypatch.setattr("sys.stdin", io.StringIO(adjust))
    status, told = studio("run", "--steps", "-", "--photo", photo, "--quote")
    assert status == 0
    assert re.search(r"1 +create\.import .*\n2 +edit\.adjust ", told)


def test_a_step_that_the_api_refuses_is_told_with_its_line(studio, tmp_path, http):
    file = tmp_path / "steps.yaml"
    file.write_text(OWN.replace("brightness", "brigthness"))
    status, told = studio("run", "--steps", file)
    assert (status, f"{file}, line 3: " in told) == (1, True), told
    assert "brightness" in told
    file.write_text(f"{OWN}  provider: [local\n")
    status, told = studio("run", "--steps", file)
    assert (status, f"studio: {file}, line 6: " in told) == (2, True), told
    assert http.get("/v1/runs").json()["runs"] == []


def test_what_will_not_be_made_is_told_before_the_run_begins(studio, tmp_path):
    panorama = tmp_path / "panorama.png"
    Pillow.new("RGB", (6000, 500)).save(panorama)
    status, told = studio(
        "run", "quick-social-post", "--photo", panorama, "--quote",
        "-p", "placements=x_header", "-p", "placements=instagram_story",
    )  # fmt: skip
    assert (status, "1 image for 0 USD" in told) == (0, True)
    assert "will not be made: instagram_story (optimizer.export): " in told


def test_a_run_that_would_make_nothing_is_not_started(studio, tmp_path, http):
    narrow = tmp_path / "narrow.png"
    Pillow.new("RGB", (720, 8)).save(narrow)
    status, _ = studio("run", "quick-social-post", "--photo", narrow, "-p", f"placements={SMALL}")
    assert (status, http.get("/v1/runs").json()["runs"]) == (1, [])


def test_a_changed_plan_is_told_before_the_run_begins(studio, tmp_path):
    small = tmp_path / "small.png"
    Pillow.new("RGB", (400, 400)).save(small)
    status, told = studio(
        "run", "quick-social-post", "--photo", small, "-p", f"placements={SMALL}", "--quote"
    )
    assert status == 0
    assert "changed, step 2: upscale.conservative" in told


def test_a_workflow_that_needs_assets_says_how_to_name_them(studio):
    status, told = studio("run", "refine-favourites", "-p", "collection=News")
    assert status == 2
    assert "--asset ID" in told
    assert "--select favourite=yes" in told


def test_favourites_are_marked_selected_and_refined(studio, two, http):
    _, rendition = two
    assert studio("mark", rendition, "--favourite", "--tag", "best", "--collection", "Top")[0] == 0
    status, told = studio(
        "run", "refine-favourites", "-s", "favourite=yes", "-s", "collection=Top",
        "-p", "collection=News", "-p", "upscale_to=null", "-p", "placements=[]",
        "-p", "adjust.brightness=0.1", "--providers", "lanczos,local", "--budget", "1.50",
    )  # fmt: skip
    assert status == 0, told
    [refined] = assets(http, collection="News", operation="edit.adjust")
    assert refined["parents"] == [rendition]


def test_a_run_begins_with_the_assets_that_are_named(studio, two, http):
    status, told = studio(
        "run", "pattern-2-create-edit", "--asset", two[0], "--asset", two[1],
        "-p", "adjust.contrast=0.2",
    )  # fmt: skip
    assert status == 0, told
    assert {one["parents"][0] for one in assets(http, operation="edit.adjust")} == set(two)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["run", "quick-socal-post"], 1, "quick-social-post"),
        (["run", "quick-social-post", "-p", "promt=x"], 1, "Did you mean 'prompt'"),
        (["run", "quick-social-post", "-p", "prompt"], 2, "write prompt=VALUE"),
        (["run", "quick-social-post", "--photo", "nowhere.jpg"], 2, "no file nowhere.jpg"),
        (["run"], 2, "give --steps FILE"),
        (["run", "quick-social-post", "--steps", "steps.yaml"], 2, "one of both"),
        (["run", "--steps", "nowhere.yaml"], 2, "no file nowhere.yaml"),
        (["run", "--steps", "steps.yaml", "-p", "prompt=x"], 2, "under `params`"),
        (["share"], 2, "Name assets by id"),
        (["share", "nobody"], 1, "not told of nobody"),
        (["run", "quick-social-post", "-p", "prompt=x", "--providers", "stabilty"], 1, "stabilty"),
        (["assets", "-s", "colection=x"], 2, "Did you mean collection?"),
        (["assets", "-s", "Favorite=yes"], 2, "Did you mean favourite?"),
        (["delete", "-s", "run=", "--yes"], 2, "it would mean every asset"),
        (["delete", "-s", "favourite=null", "--yes"], 2, "it would mean every asset"),
        (["mark", "-s", "favourite=yes"], 2, "--favourite"),
        (["mark", "--favourite"], 2, "Name assets by id"),
        (["delete", "--yes"], 2, "Name assets by id"),
    ],
)
def test_what_cannot_be_done_says_what_can(studio, arguments, status, says):
    answered, told = studio(*arguments)
    assert answered == status, told
    assert says in told


def test_the_library_is_searched_by_words_and_filters(studio, two):
    photo, rendition = two
    status, told = studio("assets", "-s", "operation=optimizer.export", "-s", f"label={SMALL}")
    assert (status, rendition in told, photo in told) == (0, True, False)
    found = json.loads(studio("assets", SMALL, "--json")[1])
    assert [one["id"] for one in found] == [rendition]
    largest = json.loads(studio("assets", "--sort", "bytes", "--descending", "--json")[1])
    assert [one["bytes"] for one in largest] == sorted(
        (one["bytes"] for one in largest), reverse=True
    )
    assert len(largest) == 2


def test_what_is_marked_can_be_taken_back(studio, two, http):
    tagged = ["--tag", "a", "--tag", "b", "--title", "Poster", "--review", "approved"]
    assert studio("mark", *two, *tagged, "--favourite") == (0, "2 assets: 2 changed\n")
    back = ["--remove-tag", "a", "--review", "none", "--no-favourite"]
    assert studio("mark", "-s", "tags=a", *back)[0] == 0
    told = [(one["tags"], one["title"], one["favourite"], one["review"]) for one in assets(http)]
    assert told == [(["b"], "Poster", False, "")] * 2


def test_deleting_is_not_done_by_mistake(studio, two, http):
    status, told = studio("delete", *two)
    assert (status, len(assets(http))) == (2, 2)
    assert "2 assets would be deleted for good; say --yes." in told
    assert studio("delete", "-s", "operation=optimizer.export", "--yes")[0] == 0
    assert [one["id"] for one in assets(http)] == two[:1]


def test_a_change_that_fails_for_one_asset_is_told_and_makes_the_status_1(studio, two, http):
    status, told = studio("mark", two[0], "nobody", "--favourite")
    assert status == 1
    assert "1 changed, 1 failed" in told
    assert "nobody" in told
    assert [one["id"] for one in assets(http, favourite="true")] == two[:1]


def test_downloads_are_named_as_asked_and_lose_no_file_that_is_there(studio, two, tmp_path):
    folder = tmp_path / "files"
    which = ["-s", "operation=optimizer.export", "--out", folder]
    named = ["--name", "{campaign}/{placement}.{ext}", "--campaign", "Spring"]
    status, told = studio("download", *which, *named)
    file = folder / "Spring" / f"{SMALL}.jpg"
    assert (status, str(file) in told) == (0, True)
    assert studio("download", *which, *named)[0] == 0  # the same again
    file.write_bytes(b"drawn by hand")
    status, told = studio("download", *which, *named)
    assert (status, file.read_bytes()) == (2, b"drawn by hand")
    assert "another file" in told
    assert studio("download", *which, *named, "--overwrite")[0] == 0
    assert file.read_bytes() != b"drawn by hand"


def test_assets_are_compared_on_a_sheet_and_in_a_table(studio, two, tmp_path, http):
    sheet = tmp_path / "sheets" / "both.png"
    status, told = studio("compare", *two, "--out", sheet)
    assert status == 0
    for one in assets(http):
        line = next(line for line in told.splitlines() if one["id"] in line)
        assert f"{one['image']['width']}×{one['image']['height']}" in line
        assert f"{one['bytes']:,}" in line
        assert one["operation"] in line
    with Pillow.open(sheet) as opened:
        assert (opened.format, opened.width > opened.height) == ("PNG", True)


def test_workflows_are_a_table_and_one_is_told_with_its_parameters(studio):
    status, told = studio("workflows")
    assert status == 0
    assert re.search(r"^social-media-campaign +campaign; prompt, photo or assets +\w", told, re.M)
    assert re.search(r"^refine-favourites +collection, assets +\w", told, re.M)
    status, told = studio("workflows", "social-media-campaign")
    assert status == 0
    for line in (
        r"campaign +text; needed",
        r"variations +whole number 1 to 10; default 3",
        r"quality +draft, standard or premium",
        r"-p adjust\.brightness=0\.1",
    ):
        assert re.search(rf"^ +{line}", told, re.M), line
    assert json.loads(studio("workflows", "--json")[1])[0]["parameters"]["properties"]


@pytest.mark.parametrize(
    ("command", "named"),
    [
        ("operations", "edit.remove_background"),
        ("templates", "linkedin_post"),
        ("styles", "watercolor"),
        ("placements", "instagram_square"),
        ("providers", "local"),
    ],
)
def test_what_can_be_named_is_listed_for_people_and_for_programs(studio, command, named):
    status, told = studio(command)
    assert status == 0, told
    assert re.search(rf"^{re.escape(named)} ", told, re.M)
    assert "{" not in told
    assert named in json.dumps(json.loads(studio(command, "--json")[1]))


def test_usage_is_told_of_the_library_and_of_a_collection(studio, two):
    studio("mark", two[1], "--collection", "Spring")
    assert re.search(r"^Spring +1$", studio("collections")[1], re.M)
    assert "2 assets, " in studio("usage")[1]
    told = studio("usage", "-s", "collection=Spring")[1]
    assert "1 asset, " in told
    assert "create.import" not in told


def test_shares_are_told_counted_once_a_key_and_listed(studio, two):
    photo, rendition = two
    status, told = studio("share", rendition, photo, "--idempotency-key", "post-42")
    assert (status, "Told of 2 assets" in told) == (0, True)
    studio("share", rendition, "--idempotency-key", "post-42")  # the same post
    status, told = studio("share", "-s", "operation=optimizer.export")  # another one
    assert (status, re.search(rf"^{rendition} +2 +\d{{4}}-", told, re.M) is not None) == (0, True)
    listed = json.loads(studio("shares", "--json")[1])
    assert [(one["id"], one["shares"]) for one in listed] == [(rendition, 2), (photo, 1)]
    assert "2 shares of 1 asset" in studio("shares", "--limit", "1")[1]
    assert "0 shares of 0 assets" in studio("shares", "-s", "tags=none")[1]
    assert "3 shares" in studio("usage")[1]


def test_a_share_that_cannot_be_told_leaves_the_others_told(studio, two):
    status, told = studio("share", "nobody", two[0])
    assert status == 1
    assert "not told of nobody: There is no asset" in told
    assert "Told of 1 asset" in told


def test_a_run_that_was_left_can_be_followed_and_listed(studio, photo):
    begun = studio(
        "run", "quick-social-post", "--photo", photo, "-p", f"placements={SMALL}", "--detach"
    )[1]
    run = begun.split()[-1]
    status, told = studio("follow", run)
    assert (status, "completed: 1 image" in told) == (0, True)
    assert run in studio("runs", "--status", "completed")[1]
    status, told = studio("cancel", run)
    assert (status, "ended already" in told) == (1, True)
