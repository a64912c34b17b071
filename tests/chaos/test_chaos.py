"""A short run of chaos is clean, and each planted bug makes a run dirty by the rule that it is about."""

from __future__ import annotations

import pytest

from tests.chaos.planted import HUNTS, Hunt, hunt
from tests.chaos.plants import PLANTS, Plant, PythonChange, SqlChange, plant_in_database, require_plantable
from tests.chaos.profiles import PROFILES
from tests.chaos.run import Plan, run

PIPELINES, FAULTS = 60, 20


@pytest.mark.timeout(240)
def test_nothing_is_lost_and_nothing_done_twice() -> None:
    plan = Plan(pipelines=PIPELINES, faults=FAULTS, seed=1, profile=PROFILES["default"], real=2, ai_workers=1)
    result = run(plan, say=print)
    assert result.broken == {}, result.log_ends
    assert result.is_clean
    assert result.figures["pipelines"] == PIPELINES
    assert sum(result.figures["faults"].values()) == FAULTS  # type: ignore[attr-defined]
    assert result.figures["looks"] > 10  # type: ignore[operator]


def test_every_planted_bug_is_hunted() -> None:
    assert sorted(one.plant for one in HUNTS) == sorted(plant.name for plant in PLANTS)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("one", HUNTS, ids=[one.plant for one in HUNTS])
def test_a_planted_bug_is_caught(one: Hunt) -> None:
    caught = hunt(one, seed=1)
    assert caught.by, f"seen instead: {caught.others}"


def test_a_plant_that_no_longer_fits_is_refused(postgres_url: str) -> None:
    gone = PythonChange(process="web", function="services.uploads:Uploads.complete", old="no such text", new="")
    with pytest.raises(LookupError, match="0 times"):
        require_plantable(Plant(name="gone", python=(gone,)))
    elsewhere = SqlChange(function="pg_sleep", old="no such text", new="")
    with pytest.raises(LookupError, match="0 times"):
        plant_in_database(Plant(name="gone", sql=(elsewhere,)), postgres_url)
