"""What `check` says about steps, and that the command refuses what it calls an error."""

from itertools import pairwise

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_system_ops.checks.knowledge import check_knowledge_base
from django_system_ops.conf import get_conf
from django_system_ops.engine.version_graph import VersionGraph, version_key
from tests.system_ops.knowledge.conftest import articles, run, versions

STEPS = "tests.system_ops.knowledge.steps."


def ids():
    return [one.id.removeprefix("django_system_ops.") for one in check_knowledge_base()]


def test_what_fits_is_no_problem(steps):
    assert ids() == []
    steps("instance")
    assert ids() == []


def test_site_without_steps_is_no_problem(configure):
    configure(knowledge_base={"type": "nothing", "steps": []})

    assert ids() == []


@pytest.mark.parametrize(
    ("section", "code", "sentence"),
    [
        ({"type": "chats"}, "E090", "There is no data of the type 'chats'"),
        ({"version_field": "format"}, "E091", "library.Article has no field 'format'"),
        ({"version_field": "price"}, "E091", "neither text nor a whole number"),
        ({"version_field": "id"}, "E091", "is its key"),
        ({"version_field": "tenant"}, "E091", "neither text nor a whole number"),
        ({"steps": ["Long"]}, "E091", "has no room for '2.0.0.0.0.1'"),
        ({"steps": ["Missing"]}, "E092", "cannot be had"),
        ({"steps": ["Lacking"]}, "E092", "is no step: it lacks to_version, forward"),
        ({"steps": ["Wordy"]}, "E093", "'next' is no version"),
        ({"steps": ["Downwards"]}, "E093", "it has to lead to a newer version"),
        ({"steps": ["Shout", "Spelled"]}, "E093", "'2.0' and '2' are one version"),
        ({"steps": ["Split", "Same"]}, "E094", "both lead from 1.0 to 1.9"),
        (
            {"steps": ["Split", "Price", "Shout", "Shortcut"]},
            "E094",
            "two ways lead from 1.0 to 2.0",
        ),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_what_does_not_fit_is_an_error_and_is_refused(configure, section, code, sentence):
    articles(1)
    if "steps" in section:
        section = {**section, "steps": [STEPS + name for name in section["steps"]]}
    configure(knowledge_base=section)

    found = check_knowledge_base()

    assert code in ids()
    assert any(sentence in one.msg for one in found)
    answer = run()
    assert (answer["status"], sentence in answer["sentence"]) == (1, True)
    assert versions() == ["1.0"]


@pytest.mark.parametrize(
    "section", [{"steps": "shop.Step"}, {"batch_size": 0}, {"step": []}, {"examples": "5"}]
)
def test_wrong_keys_are_refused(configure, section):
    configure(knowledge_base=section)

    with pytest.raises(ImproperlyConfigured, match="knowledge_base"):
        get_conf()
    assert ids() == []


def test_versions_compare_as_numbers():
    assert version_key("1.10") > version_key("1.9") > version_key("1") == version_key("1.0.0")
    for text in ("", "1.", ".1", "1..2", "v1", "1.0 ", "-1", "١.٠", "1" * 40):
        with pytest.raises(ValueError, match="is no version"):
            version_key(text)


def test_ways_are_found_through_many_versions():
    numbers = [str(one) for one in range(1, 300)]
    graph = VersionGraph(pairwise(numbers))

    assert graph.path("1", "299") == tuple(numbers)
    assert graph.path("5", "1") is None
    assert graph.reachable("298") == {"298", "299"}
    assert graph.reachable("unknown") == set()
    assert graph.ambiguity() == ""


def test_two_ways_are_found_wherever_they_part():
    graph = VersionGraph([("1", "2"), ("2", "3"), ("2", "4"), ("3", "5"), ("4", "5")])

    assert "two ways lead from 1 to 5" in graph.ambiguity()
