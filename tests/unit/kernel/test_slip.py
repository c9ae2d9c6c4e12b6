"""Slips: where an item goes next, and ids that repeat with the work."""

from uuid import uuid4

import pytest
from pydantic import ValidationError

from studio.slip import Slip, Step, step_id

SLIP = Slip(
    steps=(
        Step(operation="edit.adjust", params={"brightness": 10, "contrast": 5}),
        Step(operation="optimizer.export", params={"placements": ["instagram_square"]}),
    )
)


def test_a_slip_addresses_the_studio_of_its_head_and_is_done_at_the_end():
    assert SLIP.address == "edit"
    assert SLIP.advanced().address == "optimizer"
    end = SLIP.advanced().advanced()
    assert end.is_done
    assert end.address is None


def test_the_same_work_has_the_same_step_id_whatever_the_order_of_its_parameters():
    run, item = uuid4(), uuid4()
    turned = Slip(steps=(Step(operation="edit.adjust", params={"contrast": 5, "brightness": 10}),))
    assert step_id(run, item, SLIP) == step_id(run, item, turned)


def test_other_work_has_another_step_id():
    run, item = uuid4(), uuid4()
    base = Slip(steps=(Step(operation="edit.adjust", params={"brightness": 1}),))
    others = [
        step_id(run, item, base),
        step_id(uuid4(), item, base),
        step_id(run, uuid4(), base),
        step_id(run, item, base.model_copy(update={"position": 1})),
        step_id(run, item, Slip(steps=(Step(operation="edit.adjust", params={"brightness": 2}),))),
        step_id(
            run,
            item,
            Slip(steps=(Step(operation="edit.adjust", params={"brightness": 1}, provider="x"),)),
        ),
    ]
    assert len(set(others)) == len(others)


@pytest.mark.parametrize("name", ["adjust", "edit.", "Edit.adjust", "edit adjust", "a.b.c"])
def test_an_operation_is_named_studio_dot_verb(name):
    with pytest.raises(ValidationError):
        Step(operation=name)
