"""The HTTP API, on the whole platform in one process."""

import asyncio
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from PIL import Image as Pillow

from embedded.platform import platform
from studio import telemetry
from studio.settings import Settings

TINY = {"operation": "create.generate", "params": {"prompt": "red poster", "width": 96,
                                                   "height": 96, "quality": "draft"}}  # fmt: skip

NOBODY = str(uuid4())


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The platform, on an event loop of its own."""
    data: Path = tmp_path_factory.mktemp("platform")
    telemetry.configure("test", Settings(log_level="WARNING", log_format="text"))
    ready, found = threading.Event(), {}

    async def serve() -> None:
        found["loop"], found["stop"] = asyncio.get_running_loop(), asyncio.Event()
        async with platform(data) as running:
            found["url"] = running.url
            ready.set()
            await found["stop"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(60)
    yield found["url"]
    found["loop"].call_soon_threadsafe(found["stop"].set)
    thread.join(60)


@pytest.fixture
def http(url: str, unique: str) -> Iterator[httpx.Client]:
    """A client in a workspace of its own."""
    with httpx.Client(base_url=url, headers={"X-Workspace": unique}, timeout=30) as client:
        yield client


def finished(http: httpx.Client, run: str) -> dict:
    """Follow the event stream to its end; returns the run."""
    with http.stream("GET", f"/v1/runs/{run}/events", timeout=60) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for _ in stream.iter_lines():
            pass
    return http.get(f"/v1/runs/{run}").json()


def run_of(http: httpx.Client, *steps: dict, **more) -> dict:
    answer = http.post("/v1/runs", json={"steps": list(steps), **more})
    assert answer.status_code == 202, answer.text
    return finished(http, answer.json()["id"])


def problem(answer: httpx.Response, status: int, rule: str) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"urn:image-studio:problem:{rule}"
    assert body["detail"]
    return body


def test_a_run_is_accepted_followed_and_found_in_the_library(http):
    started = http.post("/v1/runs", json={"steps": [TINY]})
    assert started.status_code == 202
    assert started.headers["location"] == f"/v1/runs/{started.json()['id']}"
    state = finished(http, started.json()["id"])
    assert (state["status"], state["progress"]) == ("completed", {"share": "1", "fraction": 1.0})
    [asset] = http.get("/v1/assets", params={"run": state["id"]}).json()["assets"]
    assert asset["trace_id"] == state["trace_id"] == started.json()["trace_id"]
    assert asset["prompt"] == "red poster"


def test_the_event_stream_can_be_taken_up_where_it_was_left(http):
    run = run_of(http, TINY)["id"]
    whole = http.get(f"/v1/runs/{run}/events").text
    ids = [line[4:] for line in whole.splitlines() if line.startswith("id: ")]
    assert len(ids) == len(set(ids)) >= 3
    rest = http.get(f"/v1/runs/{run}/events", headers={"Last-Event-ID": ids[0]}).text
    assert [line[4:] for line in rest.splitlines() if line.startswith("id: ")] == ids[1:]
    assert "event: workflow.completed" in rest


def test_the_same_idempotency_key_starts_a_run_once(http):
    headers = {"Idempotency-Key": str(uuid4())}
    first = http.post("/v1/runs", json={"steps": [TINY]}, headers=headers).json()
    again = http.post("/v1/runs", json={"steps": [TINY]}, headers=headers).json()
    assert first["id"] == again["id"]
    other = {"steps": [TINY, TINY]}
    problem(http.post("/v1/runs", json=other, headers=headers), 409, "run.idempotency_key")
    finished(http, first["id"])
    assert len(http.get("/v1/runs").json()["runs"]) == 1


def test_a_quote_says_what_a_run_will_make(http):
    body = {
        "workflow": "social-media-campaign",
        "parameters": {"campaign": "c", "prompt": "sea", "placements": ["open_graph", "threads"]},
    }
    quote = http.post("/v1/quotes", json=body).json()
    assert quote["images"] == 3 * 2
    assert [step["operation"] for step in quote["steps"]] == [
        "create.generate",
        "library.organise",
        "optimizer.export",
        "library.organise",
    ]
    assert quote["price"]["maximum"] == {"amount": "0", "currency": "USD"}


@pytest.mark.parametrize(
    ("body", "rule", "named"),
    [
        ({"workflow": "quick-socal-post"}, "workflow.unknown", "quick-social-post"),
        ({"workflow": "quick-social-post", "parameters": {"promt": "x"}},
         "workflow.parameters", "prompt"),
        ({"workflow": "pattern-1-create"}, "workflow.parameters", "photo"),
        ({"steps": [{"operation": "create.dream"}]}, "operation.unknown", "create.generate"),
        ({"steps": [{"operation": "dream.it"}]}, "operation.unknown", "library"),
        ({"steps": [{**TINY, "provider": "nobody"}]}, "operation.provider", "local"),
        ({"steps": [TINY, {"operation": "edit.remove_background", "provider": "stability"}]},
         "provider.no_key", "STUDIO_STABILITY_API_KEY for the edit service"),
        ({"steps": [TINY], "providers": ["fal"]}, "run.providers", "STUDIO_FAL_API_KEY"),
        ({"workflow": "quick-social-post", "parameters": {"variations": 2}, "assets": [NOBODY]},
         "workflow.parameters", "Nothing would be done with variations"),
        ({"steps": [TINY], "workflow": "x"}, "run.workflow_or_steps", "one of them"),
        ({"steps": []}, "request.invalid", "steps"),
        ({"steps": [TINY, {"operation": "optimizer.export",
                           "params": {"placements": ["istagram"]}}]},
         "optimizer.placement", "instagram"),
        ({"steps": [TINY, {"operation": "upscale.conservative", "params": {}}]},
         "upscale.conservative.params", "exactly one"),
    ],
)  # fmt: skip
def test_a_run_that_cannot_be_is_refused_before_it_starts(http, body, rule, named):
    for path in ("/v1/runs", "/v1/quotes"):
        assert named in json.dumps(problem(http.post(path, json=body), 422, rule))
    assert http.get("/v1/runs").json()["runs"] == []


def test_uploads_are_streamed_and_only_pictures_are_taken(http, photos):
    photo = (photos / "chelsea.jpg").read_bytes()
    answer = http.post("/v1/uploads", content=photo)
    assert answer.status_code == 201
    assert answer.json() == {
        "blob": "sha256:" + hashlib.sha256(photo).hexdigest(),
        "bytes": len(photo),
        "media_type": "image/jpeg",
        "width": 451,
        "height": 300,
    }
    problem(http.post("/v1/uploads", content=b"GIF"), 415, "image.not_an_image")
    assert http.post("/v1/uploads", content=b"").status_code in (415, 422)


def test_a_photo_that_is_cut_off_fails_its_run_with_the_reason(http, photos):
    half = (photos / "chelsea.jpg").read_bytes()[:20_000]
    blob = http.post("/v1/uploads", content=half).json()["blob"]
    state = run_of(http, {"operation": "create.import", "params": {"blob": blob}})
    assert (state["status"], state["progress"]["share"]) == ("failed", "1")
    assert state["items"][0]["problem"]["rule"] == "image.truncated"


def test_a_photo_goes_through_edit_upscale_and_optimizer_and_keeps_its_lineage(http, photos):
    blob = http.post("/v1/uploads", content=(photos / "coffee.jpg").read_bytes()).json()["blob"]
    state = run_of(
        http,
        {"operation": "create.import", "params": {"blob": blob, "filename": "coffee.jpg"}},
        {"operation": "edit.adjust", "params": {"rotate": 90}},
        {"operation": "upscale.conservative", "params": {"long_side": 1920}, "provider": "lanczos"},
        {"operation": "optimizer.export", "params": {"placements": ["instagram_story"]}},
    )
    assert state["counts"] == {"catalogued": 1}
    [asset] = http.get("/v1/assets", params={"operation": "optimizer.export"}).json()["assets"]
    lineage = http.get(f"/v1/assets/{asset['id']}/lineage").json()
    assert [one["operation"] for one in lineage["ancestors"]] == [
        "upscale.conservative",
        "edit.adjust",
        "create.import",
    ]
    content = http.get(f"/v1/assets/{asset['id']}/content")
    assert Pillow.open(io.BytesIO(content.content)).size == (1080, 1920)
    tag = {"If-None-Match": content.headers["etag"]}
    assert http.get(f"/v1/assets/{asset['id']}/content", headers=tag).status_code == 304


def test_a_run_can_begin_with_assets_of_the_library(http):
    run_of(http, {**TINY, "params": {**TINY["params"], "variations": 2}})
    ids = [one["id"] for one in http.get("/v1/assets").json()["assets"]]
    state = run_of(http, {"operation": "edit.adjust", "params": {"rotate": 90}}, assets=ids)
    assert (state["counts"], state["progress"]["share"]) == ({"catalogued": 2}, "1")


def test_what_fails_tells_why_and_the_rest_is_delivered(http):
    both = {"placements": ["instagram_square", "x_landscape"], "fit": "cover"}
    export = {"operation": "optimizer.export", "params": both}
    large = {**TINY, "params": {**TINY["params"], "width": 1200, "height": 1200}}
    state = run_of(http, large, export, repair=False)
    assert state["counts"] == {"catalogued": 1, "failed": 1}
    [failed] = [one for one in state["items"] if one["state"] == "failed"]
    assert failed["problem"]["rule"] == "optimizer.would_upscale"
    assert state["status"] == "completed"


def test_a_run_that_is_called_off_ends(http):
    slow = {**TINY, "params": {**TINY["params"], "variations": 10, "width": 1500, "height": 1500,
                               "quality": "premium"}}  # fmt: skip
    up = {"operation": "upscale.conservative", "params": {"factor": 2}}
    run = http.post("/v1/runs", json={"steps": [slow, up]}).json()["id"]
    assert http.post(f"/v1/runs/{run}/cancel").json()["status"] == "cancelling"
    state = finished(http, run)
    assert (state["status"], state["progress"]["share"]) == ("cancelled", "1")
    assert set(state["counts"]) <= {"cancelled", "catalogued"}
    assert state["counts"]["cancelled"] >= 1
    problem(http.post(f"/v1/runs/{run}/cancel"), 409, "run.ended")


def test_many_assets_are_packed_with_a_manifest_and_counted_once(http):
    state = run_of(http, {**TINY, "params": {**TINY["params"], "variations": 3}})
    answer = http.post("/v1/assets/download", json={"run": state["id"], "name": "a/{label}.{ext}"})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        names = set(packed.namelist())
        manifest = json.loads(packed.read("manifest.json"))["assets"]
    assert names == {f"a/variation-{n}.png" for n in (1, 2, 3)} | {"manifest.json"}
    assert {one["file"] for one in manifest} == names - {"manifest.json"}
    assert all(one["downloads"] == 1 for one in http.get("/v1/assets").json()["assets"])


def test_assets_are_changed_favoured_collected_and_deleted(http):
    run_of(http, TINY)
    [asset] = http.get("/v1/assets").json()["assets"]
    path = f"/v1/assets/{asset['id']}"
    patch = {"title": "Hero", "favourite": True, "add_tags": ["x"], "add_collections": ["Best"]}
    assert http.patch(path, json=patch).json()["title"] == "Hero"
    assert len(http.get("/v1/assets", params={"favourite": True}).json()["assets"]) == 1
    assert http.get("/v1/collections").json()[0]["name"] == "Best"
    assert http.get(f"{path}/thumbnail").headers["content-type"] == "image/webp"
    assert http.delete(path).status_code == 204
    problem(http.get(path), 404, "library.asset")
    problem(http.patch(path, json={"colour": 1}), 422, "request.invalid")


def test_workspaces_do_not_see_each_other(http, url):
    state = run_of(http, TINY)
    [asset] = http.get("/v1/assets").json()["assets"]
    with httpx.Client(base_url=url, headers={"X-Workspace": "stranger"}) as stranger:
        problem(stranger.get(f"/v1/runs/{state['id']}"), 404, "run.unknown")
        problem(stranger.get(f"/v1/assets/{asset['id']}"), 404, "library.asset")
    problem(http.get("/v1/runs", headers={"X-Workspace": "NO"}), 422, "workspace.name")


def test_dead_letters_can_be_listed_and_replayed(http):
    run_of(http, TINY, {"operation": "edit.remove_background"})
    letters = http.get("/v1/dead-letters", params={"queue": "edit"}).json()
    mine = [one for one in letters if one["event"]["workspace"] == http.headers["x-workspace"]]
    if not mine:  # it did find one: then nothing was given up
        return
    assert mine[0]["problem"]["rule"] == "edit.no_subject"
    answer = http.post("/v1/dead-letters/replay", json={"queue": "edit", "ids": [mine[0]["id"]]})
    assert answer.json() == {"replayed": 1}


def test_what_there_is_can_be_discovered(http):
    operations = {one["name"]: one for one in http.get("/v1/operations").json()}
    assert set(operations) == {
        "create.generate", "create.import",
        "edit.adjust", "edit.erase", "edit.general", "edit.inpaint", "edit.outpaint",
        "edit.remove_background", "edit.replace_background", "edit.resize",
        "edit.search_recolor", "edit.search_replace", "edit.text",
        "upscale.conservative", "upscale.creative", "upscale.fast",
        "optimizer.export", "library.organise",
    }  # fmt: skip
    for one in operations.values():
        assert one["summary"]
        assert one["parameters"]["properties"]
        assert set(one["unit_prices"]) == set(one["providers"])
    assert "4,194,304" in operations["create.generate"]["limits"][0]
    workflow = http.get("/v1/workflows/weekly-social-content").json()
    assert workflow["parameters"]["required"] == ["prompt"]
    problem(http.get("/v1/workflows/nothing"), 404, "workflow.unknown")


def test_unknown_paths_and_methods_are_problems_too(http):
    problem(http.get("/v1/nothing"), 404, "http.404")
    problem(http.put("/v1/runs"), 405, "http.405")
    huge = b'{"steps": "' + b"x" * 1_100_000 + b'"}'
    answer = http.post("/v1/runs", content=huge, headers={"Content-Type": "application/json"})
    problem(answer, 413, "request.too_large")
