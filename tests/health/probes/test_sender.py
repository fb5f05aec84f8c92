"""Sites that have fallen silent."""

from datetime import timedelta

import pytest
from django.utils import timezone

from django_health_check_job.engine.outcome import State
from django_health_check_job.exceptions import CheckSetupError
from django_health_check_job.models import Sender
from django_health_check_job.probes import SenderSilence
from tests.health.probes.outcomes import outcome_of


def heard(app_id: str, *, before: timedelta) -> None:
    at = timezone.now() - before
    Sender.objects.create(app_id=app_id, first_seen_at=at, last_seen_at=at)


@pytest.mark.django_db
def test_site_that_has_sent_lately_is_up():
    heard("shop", before=timedelta(seconds=50))

    assert outcome_of(SenderSilence("shop", 60)) == (State.UP, "OK")


@pytest.mark.django_db
def test_silent_site_is_down_with_the_length_of_its_silence():
    heard("shop", before=timedelta(seconds=300))
    heard("blog", before=timedelta(0))

    state, message = outcome_of(SenderSilence("shop", 60))

    assert state is State.DOWN
    assert message.startswith("has sent nothing for 30")
    assert message.endswith(" s (its limit is 60 s)")


@pytest.mark.django_db
def test_site_whose_clock_is_ahead_is_up():
    heard("shop", before=timedelta(hours=-1))

    assert outcome_of(SenderSilence("shop", 60)) == (State.UP, "OK")


@pytest.mark.django_db
def test_site_that_was_never_heard_of_is_unknown():
    assert outcome_of(SenderSilence("shop", 60)) == (
        State.UNKNOWN,
        "nothing was ever received from 'shop'",
    )


class OtherDatabase:
    """Has everything read from elsewhere."""

    def db_for_read(self, model, **hints):
        return "other"


def test_site_is_unknown_without_the_database(settings, sqlite_file):
    settings.DATABASE_ROUTERS = [OtherDatabase()]
    sqlite_file.mkdir()

    assert outcome_of(SenderSilence("shop", 60)) == (
        State.UNKNOWN,
        "the database cannot be asked (OperationalError)",
    )


@pytest.mark.parametrize(
    ("app_id", "max_age_seconds", "named"),
    [("", 60, "app_id"), (None, 60, "app_id"), ("shop", 0, "max_age"), ("shop", "60", "max_age")],
)
def test_wrong_option_is_named(app_id, max_age_seconds, named):
    with pytest.raises(CheckSetupError, match=named):
        SenderSilence(app_id, max_age_seconds)


def test_name_tells_the_site():
    assert SenderSilence("shop", 60).name == "Sender shop"
