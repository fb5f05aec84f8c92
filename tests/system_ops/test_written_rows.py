"""What commands have written, in the admin."""

from datetime import date

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from django_system_ops.models import ImportCheckpoint, SentimentAggregate, SentimentScore

pytestmark = pytest.mark.django_db

DAY = date(2026, 6, 1)


@pytest.fixture
def admin(client):
    client.force_login(User.objects.create_superuser("root"))
    return client


def score(number):
    return SentimentScore(
        message_model="shop.message",
        message_key=str(number),
        backend="lexicon",
        version="1",
        label="positive" if number % 2 else "negative",
        score=0.5,
        text_digest="x",
        day=DAY,
        analysed_at=timezone.now(),
    )


def sums(agent, **counts):
    return SentimentAggregate.objects.create(
        message_model="shop.message", backend="lexicon", day=DAY, agent=agent, **counts
    )


def get(client, model, **parameters):
    return client.get(reverse(f"admin:django_system_ops_{model}_changelist"), parameters)


def test_days_are_shown_with_their_mean(admin):
    sums("ana", positive=3, negative=1, score_sum=10_000)
    sums("bruno", unknown=2)

    page = get(admin, "sentimentaggregate")

    assert page.status_code == 200
    assert '<td class="field-mean">0.25</td>' in page.text
    assert '<td class="field-mean">-</td>' in page.text


def test_pages_of_scores_cost_the_same_however_many_there_are(admin, django_assert_max_num_queries):
    SentimentScore.objects.bulk_create([score(number) for number in range(120)])

    with django_assert_max_num_queries(6):
        page = get(admin, "sentimentscore", label__exact="negative")

    assert len(page.context["cl"].result_list) == 50
    assert {one.label for one in page.context["cl"].result_list} == {"negative"}
    assert 'rel="next"' in page.text


def test_nobody_takes_a_score_out_of_its_sum(admin):
    one = score(1)
    one.save()

    address = reverse("admin:django_system_ops_sentimentscore_delete", args=[one.pk])

    assert admin.post(address, {"post": "yes"}).status_code == 403
    assert admin.get(address.replace("delete", "change")).status_code == 200


def test_file_whose_checkpoint_is_removed_may_come_in_again(admin):
    made = ImportCheckpoint.objects.create(
        file_sha256="0" * 64,
        type_name="articles",
        file_name="articles.csv",
        rows_read=7,
        is_finished=True,
        started_at=timezone.now(),
        updated_at=timezone.now(),
    )

    page = get(admin, "importcheckpoint")
    address = reverse("admin:django_system_ops_importcheckpoint_delete", args=[made.pk])
    admin.post(address, {"post": "yes"})

    assert "articles.csv" in page.text
    assert '<td class="field-rows_read">7</td>' in page.text
    assert not ImportCheckpoint.objects.exists()
