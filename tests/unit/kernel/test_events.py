"""Events: strict about what matters, lenient about what outsiders leave out."""

import json
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.events import EVENT_TYPES, MAX_BYTES, Event, ImageCreated, ImageFailed
from studio.problems import Problem, Refused
from studio.slip import Slip, Step

BLOB = "sha256:" + "0" * 64


def outsider(**changes):
    """The least that an internal system has to publish."""
    event = {
        "specversion": "1.0",
        "id": "dam-4711",
        "source": "/dam/paris",
        "type": "image.created",
        "data": {"image": {"blob": BLOB, "width": 10, "height": 10}},
    }
    return event | changes


def parsed(event) -> Event:
    return Event.parse(json.dumps(event).encode())


def test_an_outsider_needs_to_give_only_the_image_and_gets_the_same_ids_every_time():
    first, again = parsed(outsider()), parsed(outsider())
    assert first.data.run == again.data.run
    assert first.data.asset == again.data.asset
    assert first.data.item != first.data.asset
    assert first.data.share == 1
    assert first.routing_key == "image.created"


def test_a_slip_addresses_the_event():
    slip = {"steps": [{"operation": "optimizer.export", "params": {"placements": ["all"]}}]}
    event = parsed(outsider(data=outsider()["data"] | {"slip": slip}))
    assert event.routing_key == "image.created.optimizer"
    assert event.to_message().addressed


def test_an_ending_is_a_fact_that_nobody_owes_work_for():
    slip = Slip(steps=(Step(operation="edit.adjust"),))
    problem = Problem(kind="refused", rule="x.y", says="No.")
    data = ImageFailed(
        run=uuid4(), item=uuid4(), asset=uuid4(), slip=slip, returned="1/2", problem=problem
    )
    event = Event.of("image.failed", data, id_=uuid4(), source="/studio/edit")
    assert event.routing_key == "image.failed"
    assert not event.to_message().addressed


def test_an_event_survives_the_wire():
    event = parsed(outsider(workspace="acme", lane="bulk"))
    assert Event.parse(event.to_message().body) == event


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"type": "image.exploded"}, "image.exploded"),
        ({"specversion": "0.3"}, "specversion"),
        ({"dataschema": "urn:image-studio:event:image.created:99"}, "99"),
        ({"data": {}}, "image"),
        ({"data": {"image": {"blob": "sha256:xyz", "width": 1, "height": 1}}}, "blob"),
        ({"data": {"image": {"blob": BLOB, "width": 0, "height": 1}}}, "width"),
        ({"workspace": "No Spaces"}, "workspace"),
        ({"traceparent": "hello"}, "traceparent"),
    ],
)
def test_what_is_wrong_with_an_event_is_named(change, named):
    with pytest.raises(Refused) as refused:
        parsed(outsider(**change))
    assert refused.value.rule == "event.malformed"
    assert named in refused.value.says


@given(st.binary(max_size=300))
def test_bytes_that_are_no_event_are_refused_and_nothing_else(noise):
    with pytest.raises(Refused):
        Event.parse(noise)


def test_an_event_over_the_limit_is_refused_before_it_is_read():
    with pytest.raises(Refused) as refused:
        Event.parse(b" " * (MAX_BYTES + 1))
    assert refused.value.rule == "event.too_large"


def test_every_type_is_two_words_and_has_a_model_with_a_description():
    for name, model in EVENT_TYPES.items():
        assert name.count(".") == 1
        assert model.__doc__


def test_unknown_attributes_are_ignored_so_that_newer_publishers_can_be_read():
    event = parsed(outsider(newattribute="x", data=outsider()["data"] | {"newfield": 1}))
    assert isinstance(event.data, ImageCreated)
