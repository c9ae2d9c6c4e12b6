"""A job is asked for without its call: the provider and the job's path say how."""

import pytest

from studio.providers.accounts import PROVIDERS
from studio.providers.call import Files, Job, Links
from studio.providers.jobs import question
from studio.providers.stability import generate_core
from tests.unit.providers.replies import PNG, reply

STABILITY = "/v2beta/results/" + "ab" * 32
REPLICATE = "/predictions/gm3qorzdhgbfurvjtvhg6dckhu"
FAL = "/fal-ai/flux/requests/764cabcf-b745-4b3e-ae38-1200304cf45b"


def test_stabilitys_job_is_its_picture_once_it_is_done():
    asking = question("stability", STABILITY)
    working = reply("stability", 202, {"id": "ab" * 32, "status": "in-progress"}, poll=STABILITY)
    assert asking.read(working).path == STABILITY
    done = reply("stability", content=PNG, headers={"content-type": "image/png"}, poll=STABILITY)
    assert asking.read(done) == Files([PNG])
    assert asking.headers == generate_core("a cup").headers  # as the call itself is sent


def test_replicates_job_is_its_links_once_it_is_done():
    asking = question("replicate", REPLICATE)
    told = {"id": "gm3qorzdhgbfurvjtvhg6dckhu", "status": "processing"}
    assert asking.read(reply("replicate", 200, told, poll=REPLICATE)).path == REPLICATE
    told |= {"status": "succeeded", "output": ["https://replicate.example/1.png"]}
    answer = asking.read(reply("replicate", 200, told, poll=REPLICATE))
    assert isinstance(answer, Links)
    assert answer.urls == ["https://replicate.example/1.png"]


def test_fals_job_keeps_its_path_while_it_is_worked_on():
    asking = question("fal", FAL)
    working = asking.read(reply("fal", 202, {"status": "IN_PROGRESS"}, poll=FAL))
    assert isinstance(working, Job)
    assert working.path == FAL
    done = {"images": [{"url": "https://fal.example/1.png"}]}
    assert asking.read(reply("fal", 200, done, poll=FAL)).urls == ["https://fal.example/1.png"]


@pytest.mark.parametrize("provider", sorted(set(PROVIDERS) - {"stability", "replicate", "fal"}))
def test_who_has_no_jobs_is_not_asked_for_one(provider):
    assert question(provider, "/x") is None
