"""Payloads with a type: refused when they are enqueued, objects when they are run."""

import traceback
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from django_outbox.dispatcher import JobSpec, enqueue, enqueue_many
from django_outbox.exceptions import EnqueueError, PayloadError
from django_outbox.models import OutboxJob
from django_outbox.services.payload import load_payload
from django_outbox.services.registry import registry

pytestmark = pytest.mark.django_db

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)


class Attachment(BaseModel):
    name: str
    size: int = Field(ge=0)


class Mail(BaseModel):
    to: str
    send_at: datetime
    price: Decimal = Decimal("0.10")
    attachments: list[Attachment] = []

    @field_validator("to")
    @classmethod
    def _is_address(cls, to: str) -> str:
        if "@" not in to:
            raise ValueError("an address has an @")
        return to


class StrictMail(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    to: str = Field(alias="recipient")
    day: date


@dataclass(frozen=True)
class Report:
    name: str
    days: list[date]
    factor: float = 1.0


@dataclass
class Loose:
    count: int
    tags: set[str] = dataclass_field(default_factory=set)


@pytest.fixture(autouse=True)
def _types(handle):
    for job_type, wanted in [
        ("MAIL", Mail),
        ("STRICT", StrictMail),
        ("REPORT", Report),
        ("LOOSE", Loose),
        ("NUMBERS", list[int]),
    ]:
        handle(job_type, lambda job, payload: None, payload=wanted)


def load(job: OutboxJob) -> object:
    stored = OutboxJob.objects.get(pk=job.pk)
    return load_payload(registry.get(stored.job_type), stored)


@pytest.mark.parametrize(
    ("job_type", "payload"),
    [
        ("MAIL", Mail(to="a@b", send_at=NOON, attachments=[Attachment(name="x", size=1)])),
        ("STRICT", StrictMail(recipient="a@b", day=date(2030, 1, 2))),
        ("REPORT", Report("r", [date(2030, 1, 2)], 2.5)),
        ("LOOSE", Loose(3, {"a", "b"})),
        ("NUMBERS", [1, 2, 3]),
    ],
)
def test_instance_comes_back_as_it_went_in(job_type, payload):
    job = enqueue(job_type, None, payload)

    assert load(job) == payload


def test_dict_that_fits_is_stored_in_the_form_of_its_type():
    job = enqueue("MAIL", None, {"to": "a@b", "send_at": NOON})

    assert job.payload == {
        "to": "a@b",
        "send_at": "2030-06-01T12:00:00Z",
        "price": "0.10",
        "attachments": [],
    }
    assert load(job) == Mail(to="a@b", send_at=NOON)


def test_alias_is_what_is_stored():
    job = enqueue("STRICT", None, {"recipient": "a@b", "day": date(2030, 1, 2)})

    assert job.payload == {"recipient": "a@b", "day": "2030-01-02"}


@pytest.mark.parametrize(
    ("job_type", "payload", "reason"),
    [
        ("MAIL", {"to": "a@b"}, "'MAIL' is no Mail: send_at: Field required"),
        ("MAIL", None, "to: Field required; send_at: Field required"),
        ("MAIL", {"to": "hunter2", "send_at": NOON}, "to: Value error, an address has an @"),
        (
            "MAIL",
            {"to": "a@b", "send_at": NOON, "attachments": [{"name": "x", "size": -1}]},
            r"attachments\.0\.size: Input should be greater than or equal to 0",
        ),
        ("MAIL", "hunter2", "payload: Input should be a valid dictionary or instance of Mail"),
        ("MAIL", Attachment(name="hunter2", size=1), "dictionary or instance of Mail"),
        ("STRICT", {"recipient": "a", "day": NOON, "hunter2": 1}, "Extra inputs"),
        ("REPORT", {"name": "hunter2"}, "'REPORT' is no Report: days: Field required"),
        ("REPORT", Report(b"hunter2", "hunter2"), "'REPORT' is no Report"),  # type: ignore[arg-type]  # wrong on purpose
        ("LOOSE", Loose("hunter2"), "count: Input should be a valid integer"),  # type: ignore[arg-type]  # wrong on purpose
        ("LOOSE", Loose(object()), "'LOOSE' is no Loose"),  # type: ignore[arg-type]  # wrong on purpose
        ("NUMBERS", [1, "hunter2"], r"NUMBERS.*1: Input should be a valid integer"),
        ("REPORT", Report("x", [], float("nan")), "no Report|not JSON"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_wrong_payload_is_refused_by_field_and_reason(job_type, payload, reason):
    with pytest.raises(EnqueueError, match=reason):
        enqueue(job_type, None, payload)

    assert not OutboxJob.objects.exists()


@pytest.mark.parametrize(
    ("job_type", "payload"),
    [
        ("MAIL", {"to": "hunter2", "send_at": "hunter2", "price": "hunter2"}),
        ("NUMBERS", ["hunter2"]),
        ("LOOSE", Loose("hunter2")),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_refusal_shows_no_value_of_the_payload_even_in_a_traceback(job_type, payload):
    with pytest.raises(EnqueueError) as refused:
        enqueue(job_type, None, payload)

    assert "hunter2" not in "".join(traceback.format_exception_only(refused.value))
    assert refused.value.__suppress_context__


def test_type_of_a_job_that_this_process_does_not_know_is_not_asked_for():
    assert enqueue("DONE_ELSEWHERE", None, {"any": "thing"}).payload == {"any": "thing"}


def test_handler_without_a_type_gets_what_is_stored():
    job = enqueue("TEST_JOB", None, {"any": "thing"})

    assert load(job) == {"any": "thing"}


def test_stored_payload_that_no_longer_fits_is_told_by_field_and_reason():
    job = enqueue("MAIL", None, {"to": "a@b", "send_at": NOON})
    OutboxJob.objects.update(payload={"to": "hunter2", "sendAt": "hunter2"})

    with pytest.raises(PayloadError, match=r"'MAIL' is no Mail: to: .*; send_at: Field") as raised:
        load(job)

    assert "hunter2" not in str(raised.value)
    assert raised.value.__suppress_context__


def test_model_whose_form_cannot_be_read_again_is_refused_at_once(handle):
    class Lossy(BaseModel):
        key: str = Field(exclude=True)

    handle("LOSSY", lambda job, payload: None, payload=Lossy)

    with pytest.raises(EnqueueError, match="'LOSSY' is no Lossy: key: Field required"):
        enqueue("LOSSY", None, Lossy(key="k"))


def test_secret_that_would_be_stored_as_asterisks_is_refused(handle):
    class Login(BaseModel):
        password: SecretStr

    handle("LOGIN", lambda job, payload: None, payload=Login)

    with pytest.raises(EnqueueError, match="would not come back as it is") as refused:
        enqueue("LOGIN", None, {"password": "hunter2"})

    assert "hunter2" not in str(refused.value)


def test_bulk_names_the_job_and_the_field():
    with pytest.raises(EnqueueError, match=r"jobs\[1\]: .*'MAIL' is no Mail: send_at"):
        enqueue_many(
            [
                JobSpec("MAIL", None, Mail(to="a@b", send_at=NOON)),
                JobSpec("MAIL", None, {"to": "@"}),
            ]
        )


def test_bulk_stores_instances():
    enqueue_many([JobSpec("REPORT", None, Report("r", [date(2030, 1, 2)]))])

    assert load(OutboxJob.objects.get()) == Report("r", [date(2030, 1, 2)])
