"""Numbers of JSON that a field has no room for: none becomes another one without a word."""

import pytest

from tests.system_ops.importing.conftest import bring_in, problems
from tests.system_ops.shop.models import Article

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("value", ["3.7", "-0.5", "1e200000", "1e999999999", "1e40"])
@pytest.mark.parametrize("field", ["rating", "topic", "id"])
def test_number_that_is_no_whole_one_of_the_field_is_refused(acme, topic, tmp_path, field, value):
    path = tmp_path / "data.json"
    path.write_text(f'[{{"slug": "a", "title": "A", "{field}": {value}}}]')

    found = bring_in(f"--file={path}", "--tenant=acme")

    ((_line, name, _reason),) = problems(found)
    assert (name, Article.objects.count()) == (field, 0)


def test_whole_numbers_may_be_written_with_a_point(acme, topic, tmp_path):
    path = tmp_path / "data.json"
    path.write_text(f'[{{"slug": "a", "title": "A", "rating": 7.0, "topic": {topic.pk}.0}}]')

    assert problems(bring_in(f"--file={path}", "--tenant=acme")) == []

    article = Article.objects.get()
    assert (article.rating, article.topic) == (7, topic)


@pytest.mark.parametrize("field", ["weight", "extra"])
@pytest.mark.parametrize("value", ["1e400", "-1e999999999"])
def test_number_that_would_be_infinite_is_refused(acme, tmp_path, field, value):
    path = tmp_path / "data.json"
    path.write_text(f'[{{"slug": "a", "title": "A", "{field}": {value}}}]')

    found = bring_in(f"--file={path}", "--tenant=acme")

    assert problems(found) == [(1, field, "it is too large for a number.")]
