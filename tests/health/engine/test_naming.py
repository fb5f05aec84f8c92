"""Names that fit, and stay apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_health_check_job.engine.naming import LONGEST_NAME, fitted, slug_of, unique


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("DatabaseBackend", "database-backend"),
        ("Cache(alias='default')", "cache-alias-default"),
        ("HTTP example.com/health", "http-example-com-health"),
        ("DNSCheck", "dns-check"),
        ("Tür zwei", "tur-zwei"),
        ("東京", "check"),
    ],
)
def test_slug_is_readable(name, slug):
    assert slug_of(name) == slug


def test_long_names_that_begin_alike_stay_two():
    one, other = (fitted(f"DNS(hostname='x', nameservers=['{'1' * 60}{end}'])") for end in "12")

    assert one != other
    assert len(one) == len(other) == LONGEST_NAME


def test_taken_name_gets_a_number():
    assert unique("Cache", {"Cache", "Cache 2"}) == "Cache 3"
    assert len(unique("x" * 50, {"x" * 50})) == LONGEST_NAME


@given(st.text(max_size=200))
def test_every_text_becomes_a_name_that_can_be_stored(text):
    name = fitted(text)

    assert 0 < len(name) <= LONGEST_NAME
    assert name.isprintable()
    assert fitted(name) == name
    assert set(slug_of(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
