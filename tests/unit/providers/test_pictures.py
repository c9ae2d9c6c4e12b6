"""What all replies have in common: pictures are pictures, and keys are never passed on."""

import contextlib
import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.problems import Refused
from studio.providers import fal, google, huggingface, ideogram, openai, replicate, stability
from studio.providers.accounts import PROVIDERS
from studio.providers.pictures import data_uri, file, links, media_type, picture
from tests.unit.providers.replies import KEYS, PNG, encoded, reply

READS = {
    "stability": stability.read,
    "openai": partial(openai.read, model="gpt-image-1"),
    "google": google.read_gemini,
    "huggingface": huggingface.read,
    "ideogram": ideogram.read,
    "replicate": replicate.read,
    "fal": partial(fal.read, app="fal-ai/flux/dev"),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "images", "image", "id", "status", "output", "candidates", "usage", "url"]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_known_by_its_first_bytes(kind):
    data = encoded(kind)
    assert media_type(data) == f"image/{kind.lower()}"
    assert file(data, "mask").name == f"mask.{kind.lower()}"
    assert data_uri(data).startswith(f"data:image/{kind.lower()};base64,")


@pytest.mark.parametrize("data", [b"", b"<html>", b"GIF89a", b"RIFF....WAVE", PNG[1:]])
def test_anything_else_is_none(data):
    with pytest.raises(ValueError):
        picture(data)


@pytest.mark.parametrize("urls", [[], [None], ["ftp://example.org/x"], ["https://a.b/c", 7]])
def test_only_addresses_are_fetched(urls):
    with pytest.raises(ValueError):
        links(urls)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("poll", [None, "/fal-ai/flux/requests/r-1"])
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 418, 422])
@pytest.mark.parametrize("member", ["message", "error", "detail", "errors", "nested", "text"])
def test_no_key_appears_in_what_is_raised(provider, status, member, poll):
    credentials = KEYS[provider][1].split()[-1]
    says = f"The key {credentials} (or sk-proj-ab***yz) is not yours. " + "So it is. " * 100
    body = {
        "nested": {"error": {"message": says, "code": "x"}},
        "errors": {"errors": [says]},
    }.get(member, {member: says})
    text = {"content": says.encode()} if member == "text" else {"json": body}
    with pytest.raises(Refused) as caught:
        READS[provider](reply(provider, status, **text, poll=poll))
    problem = caught.value.as_problem().model_dump_json()
    assert not any(part in problem for part in [credentials, *credentials.split(":"), "sk-proj"])
    assert len(caught.value.says) < 400
    assert caught.value.fix


@pytest.mark.parametrize("provider", PROVIDERS)
@given(body=JSON, poll=st.sampled_from([None, "/fal-ai/flux/requests/r-1"]))
def test_whatever_comes_under_200_is_understood_refused_or_unreadable(provider, body, poll):
    with contextlib.suppress(ValueError, Refused):
        READS[provider](_as_json(provider, body, poll))


def _as_json(provider, body, poll):
    """Also NaN and infinity, which some servers send."""
    headers = {"content-type": "application/json"}
    return reply(provider, content=json.dumps(body).encode(), headers=headers, poll=poll)
