"""The doctor guesses adapters, asks the database for its plan, and writes what is missing."""

import io
import json
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.state import ProjectState

from django_job_automation.adapters import DefaultAdapter, ModelAdapter
from django_job_automation.models import Job, Reading, Site
from django_job_automation.services.doctor import examine, examining, propose
from django_job_automation.services.doctor.looking import Look, look_at
from plants.adapter import Plants
from plants.models import Plant, Telemetry, WorkOrder
from tests.automation.adapters import (
    HalfwayMeters,
    LegacyMeters,
    Meters,
    Orders,
    RawMeters,
    Units,
    UnitsWithOrders,
)
from tests.automation.models import (
    Halfway,
    Legacy,
    Meter,
    Nameless,
    Park,
    RawSample,
    Sample,
    Ticket,
    Unit,
)
from tests.automation.models import WorkOrder as WorkOrder_
from tests.automation.test_running import plant

HERE = "tests.automation.adapters"

pytestmark = pytest.mark.django_db


def doctor(*args: str) -> tuple[str, int]:
    output = io.StringIO()
    try:
        call_command("job_automation_doctor", *args, stdout=output)
    except CommandError as error:
        return output.getvalue(), error.returncode
    return output.getvalue(), 0


def written(source: str) -> Any:
    """Return the class that a proposal's source makes."""
    names: dict[str, Any] = {}
    exec(source, names)  # it is what people paste
    return next(
        one
        for one in names.values()
        if isinstance(one, type) and issubclass(one, ModelAdapter) and one is not ModelAdapter
    )


def facts(adapter: Any) -> dict[str, Any]:
    names = ("site_model", "reading_model", "job_model", "site", "reading", "job", "closed_status")
    statuses = {"open_statuses": tuple(adapter.open_statuses), "new_status": adapter.new_status}
    return {name: getattr(adapter, name) for name in names} | statuses


class TestProposal:
    @pytest.mark.parametrize(
        ("shown", "adapter"),
        [
            ((Plant, Telemetry, WorkOrder), Plants),
            ((Site, Reading, Job), DefaultAdapter),
        ],
    )
    def test_it_is_what_a_person_would_write(self, shown, adapter):
        found = propose(*shown)

        assert found.questions == ()
        assert facts(found.adapter) == facts(adapter())
        assert facts(written(found.source)()) == facts(adapter())

    def test_statuses_come_from_the_table_when_the_model_has_no_choices(self):
        meter = Meter.objects.create(code="A")
        for stage in ("new", "done", "assigned", "new"):
            Ticket.objects.create(meter=meter, kind="x", stage=stage)

        found = propose(Meter, Sample, Ticket).adapter

        assert found is not None
        assert (found.open_statuses, found.new_status) == (("assigned", "new"), "assigned")
        assert found.closed_status == "done"

    def test_what_cannot_be_guessed_is_asked(self):
        found = propose(Nameless, Nameless, None)

        assert found.adapter is None
        assert 'at="?"' in found.source
        questions = " ".join(found.questions)
        for words in (
            "no unique field but its primary key",
            "Which foreign key of tests_automation.Nameless leads to tests_automation.Nameless?",
            "Which field of tests_automation.Nameless holds the moment",
            "Which field of tests_automation.Nameless holds the register",
            "Which model holds the jobs?",
        ):
            assert words in questions

    def test_empty_table_of_jobs_tells_no_status(self):
        found = propose(Meter, Sample, Ticket)

        assert found.adapter is None
        assert "Which statuses of tests_automation.Ticket are open ones" in found.questions[-1]

    def test_two_ways_to_a_site_are_asked_about(self):
        found = propose(Meter, Halfway, None)

        assert any("more than one foreign key" in one for one in found.questions)

    @pytest.mark.parametrize(
        ("statuses", "opened", "closed"),
        [
            (["unresolved", "incomplete", "resolved"], ("incomplete", "unresolved"), "resolved"),
            (["assigned", "done", "new", "rejected"], ("assigned", "new"), "done"),
            (["closed", "done", "new"], ("new",), "closed"),
            (["new"], ("new",), None),
        ],
    )
    def test_statuses_are_read_as_words(self, statuses, opened, closed):
        meter = Meter.objects.create(code="A")
        for stage in statuses:
            WorkOrder_.objects.create(meter=meter, kind="x", stage=stage[:10])

        found = propose(Meter, Sample, WorkOrder_)

        assert found.adapter is not None
        assert found.adapter.open_statuses == opened
        assert found.adapter.closed_status == closed
        assert any("are there other statuses" in one for one in found.questions)

    def test_rows_that_are_all_done_tell_no_open_status(self):
        Ticket.objects.create(meter=Meter.objects.create(code="A"), kind="x", stage="done")

        found = propose(Meter, Sample, Ticket)

        assert found.adapter is None
        assert "Which statuses of tests_automation.Ticket are open ones?" in found.questions[-1]

    def test_only_field_of_its_kind_needs_no_name(self):
        assert propose(Meter, RawSample, None).source.count('value="counter"') == 1


class TestExamination:
    @pytest.fixture(autouse=True)
    def meter(self) -> Meter:
        return Meter.objects.create(code="A")

    def codes(self, adapter: ModelAdapter) -> list[str]:
        return [one.code for one in examine(adapter).findings]

    def test_nothing_is_wrong_with(self):
        plant("A")

        assert self.codes(DefaultAdapter()) == []
        assert look_at(DefaultAdapter()).is_covering
        assert self.codes(Orders()) == []

    def test_missing_index_is_found(self):
        found = examine(RawMeters())

        assert [one.code for one in found.findings] == ["index"]
        assert found.missing is not None
        assert found.missing.declaration == (
            'models.Index(fields=["meter", "-ts", "-counter"], '
            'name="tests_automation_rawsam_newest")'
        )

    def test_index_without_the_value_is_found(self):
        codes = self.codes(HalfwayMeters())

        # MariaDB sorts a site's history where the tie-break is not in the index.
        assert codes in (["value"], ["index"])

    def test_index_that_begins_with_the_moment_is_none(self):
        Unit.objects.create(number=7, park=Park.objects.create(name="north"))

        found = examine(Units())

        assert [one.code for one in found.findings] == ["index"]
        assert found.missing is not None

    def test_jobs_that_cannot_be_stored_are_said(self):
        Unit.objects.create(number=7, park=Park.objects.create(name="north"))

        found = [one for one in examine(UnitsWithOrders()).findings if one.code == "required"]

        assert [one.sentence.split()[0] for one in found] == [
            "tests_automation.UnitOrder.opened_at",
            "tests_automation.UnitOrder.priority",
        ]

    def test_nobody_to_look_at_is_said(self):
        Meter.objects.update(in_service=False)

        assert self.codes(Meters()) == ["sites"]

    def test_fields_that_do_not_exist_are_said_first(self, settings):
        settings.JOB_AUTOMATION = {"ADAPTER": f"{HERE}.NoSuchField"}

        output, status = doctor()

        assert "fields: tests.automation.adapters.NoSuchField maps value to 'wh'" in output
        assert status == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("adapter", [RawMeters, HalfwayMeters])
def test_migration_makes_the_index(adapter):
    Meter.objects.create(code="A")
    found = examine(adapter())
    assert found.missing is not None
    names: dict[str, Any] = {}
    exec(found.missing.migration, names)
    [operation] = names["Migration"].operations
    before = ProjectState.from_apps(apps)
    after = before.clone()
    operation.state_forwards("tests_automation", after)

    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("tests_automation", editor, before, after)
    try:
        look = look_at(adapter())
        again = examine(adapter())
    finally:
        with connection.schema_editor(atomic=False) as editor:
            operation.database_backwards("tests_automation", editor, after, before)

    assert (look.index, look.is_good, look.is_covering) == (operation.index.name, True, True)
    assert again.missing is None
    # The foreign key's own index is no use any more.
    assert {one.code for one in again.findings} <= {"redundant"}


@pytest.mark.django_db(transaction=True)
def test_table_of_somebody_else_gets_a_statement(settings):
    settings.JOB_AUTOMATION = {"ADAPTER": f"{HERE}.LegacyMeters"}
    Meter.objects.create(code="A")
    with connection.schema_editor(atomic=False) as editor:
        editor.create_model(Legacy)
    try:
        output, _status = doctor("--json")
        document = json.loads(output)
        with connection.cursor() as cursor:
            cursor.execute(document["statement"])
        look = look_at(LegacyMeters())
    finally:
        with connection.schema_editor(atomic=False) as editor:
            editor.delete_model(Legacy)

    assert document["migration"] is None
    assert look.is_good


@pytest.mark.parametrize(
    ("look", "words"),
    [
        ({"index": "other", "fitting": ("newest",)}, "plan: has newest … goes by other"),
        ({"index": "", "fitting": ("newest",)}, "plan: has newest … goes by none"),
        ({"index": "newest", "fitting": ("newest",), "is_sorted": False}, "index: No index"),
        ({"index": "newest", "fitting": ("newest",), "is_covering": False}, "value: Index newest"),
        (
            {"index": "newest", "fitting": ("newest",), "single": ("by_site",)},
            "redundant: Index by_site",
        ),
    ],
)
def test_way_to_a_reading_is_judged_by_its_worst(monkeypatch, look, words):
    """Plans that no healthy server gives, such as one past an index that is not valid."""
    Meter.objects.create(code="A")
    plan = Look(**{"is_sorted": True, "is_covering": True, "plan": "", **look})
    monkeypatch.setattr(examining, "look_at", lambda _adapter: plan)

    [found] = examine(Meters()).findings

    for part in words.removeprefix(f"{found.code}: ").split(" … "):
        assert part in found.sentence
    assert words.startswith(found.code)


class TestCommand:
    def test_adapter_of_the_settings_is_looked_at(self):
        plant("A")

        output, status = doctor()

        assert "Adapter django_job_automation.adapters.models.DefaultAdapter" in output
        assert output.endswith("Nothing is wrong.\n")
        assert status == 0

    def test_proposal_and_migration_are_printed(self):
        Meter.objects.create(code="A")

        output, status = doctor(
            *("--site-model", "tests_automation.Meter"),
            *("--reading-model", "tests_automation.RawSample"),
            *("--job-model", "tests_automation.WorkOrder"),
        )

        assert "class MeterAdapter(ModelAdapter):" in output
        assert "question: Which statuses" in output
        assert status == 3

    def test_document(self, settings):
        settings.JOB_AUTOMATION = {"ADAPTER": f"{HERE}.RawMeters"}
        Meter.objects.create(code="A")

        output, status = doctor("--json")

        document = json.loads(output)
        assert (status, document["healthy"], document["proposal"]) == (3, False, None)
        assert [one["code"] for one in document["findings"]] == ["index"]
        compile(document["migration"], "migration", "exec")
        assert document["index"] in document["migration"]

    @pytest.mark.parametrize(
        ("args", "words"),
        [
            (["--site-model", "plants.Plant"], "Give --site-model and --reading-model"),
            (
                ["--site-model", "plants.Plants", "--reading-model", "plants.Telemetry"],
                "There is no model 'plants.Plants'",
            ),
            (["--site-model", "Plant", "--reading-model", "x"], "no model 'Plant'"),
        ],
    )
    def test_wrong_models_are_said(self, args, words):
        with pytest.raises(CommandError, match=words) as error:
            call_command("job_automation_doctor", *args)

        assert error.value.returncode == 2
