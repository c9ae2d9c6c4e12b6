"""Options: what is no number of things is told before anything is asked for."""

import sys

import pytest

from cli.__main__ import command_line


@pytest.mark.parametrize("command", ["assets", "shares"])
@pytest.mark.parametrize("limit", ["-1", "0", "1.5", "many", "", "²"])
def test_a_limit_that_is_no_number_of_assets_is_wrong_usage(command, limit, capsys):
    with pytest.raises(SystemExit) as ended:
        command_line().parse_args([command, f"--limit={limit}"])
    assert ended.value.code == 2
    assert f"--limit: {limit!r} is no whole number of at least 1" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["assets", "shares"])
@pytest.mark.parametrize(("limit", "most"), [("1", 1), ("030", 30), ("9" * 30, sys.maxsize)])
def test_a_limit_is_as_many_as_it_says_or_as_can_be_counted(command, limit, most):
    assert command_line().parse_args([command, "--limit", limit]).limit == most
