"""What scores: our lexicons, a model of transformers, or the site's own."""

from collections.abc import Iterator, Sequence
from math import isfinite
from pathlib import Path

from django.utils.module_loading import import_string

from django_system_ops.conf import get_conf
from django_system_ops.conf.sentiment import SentimentSettings
from django_system_ops.engine.sentiment.lines import LexiconError
from django_system_ops.engine.sentiment.results import LABELS, Backend, Sentiment
from django_system_ops.exceptions import SystemOpsError, WrongUsageError
from django_system_ops.services.sentiment.lexicons import (
    KNOWN_LANGUAGES,
    check_file,
    has_words,
    lexicon_backend,
)
from django_system_ops.services.sentiment.transformer_models import TransformersBackend

__all__ = ["BUILT_IN", "backend_problems", "get_backend", "language_problems", "scores"]

#: The backends that come with the app.
BUILT_IN = ("lexicon", "transformers")
_PLACE = "MANAGEMENT_COMMANDS['sentiment']"


def get_backend(name: str, languages: Sequence[str]) -> Backend:
    """
    Return what scores, by its name or dotted path.

    Raises:
        WrongUsageError: there is none of this name.
        SystemOpsError: it cannot be had: a lexicon, a model or a package is missing.
    """
    conf = get_conf().sentiment
    if name == "lexicon":
        return lexicon_backend(
            languages, extra_words=conf.extra_words, extra_files=_extra_files(conf)
        )
    if name == "transformers":
        if not conf.transformers_model:
            raise SystemOpsError(
                f"{_PLACE}['transformers_model'] does not name the directory of a model."
            )
        return TransformersBackend(get_conf().below_base(conf.transformers_model))
    if "." not in name:
        known = ", ".join(BUILT_IN)
        raise WrongUsageError(
            f"There is no backend {name!r}, but {known}, or the dotted path of a class."
        )
    return _own(name)


def _own(path: str) -> Backend:
    place = f"The backend {path!r}"
    try:
        found = import_string(path)()
    except Exception as error:  # the site's own code: whatever it raises is its story
        raise SystemOpsError(f"{place} cannot be had: {error}") from error
    lacking = [one for one in ("name", "version", "analyse") if not hasattr(found, one)]
    if lacking:
        raise SystemOpsError(f"{place} is none: it lacks {', '.join(lacking)}.")
    backend: Backend = found
    for key, limit in (("name", 50), ("version", 64)):
        value = getattr(backend, key)
        if not isinstance(value, str) or not 0 < len(value) <= limit:
            raise SystemOpsError(f"{place}: its {key} must be 1 to {limit} characters: {value!r}.")
    return backend


def scores(backend: Backend, texts: Sequence[str], languages: Sequence[str]) -> list[Sentiment]:
    """
    Return what a backend says, once it makes sense.

    Raises:
        SystemOpsError: it failed, or gave what is no sentiment.
    """
    try:
        found = list(backend.analyse(texts, languages))
    except SystemOpsError:
        raise
    except Exception as error:  # a model, or the site's own code
        raise SystemOpsError(f"The backend {backend.name!r} failed: {error}") from error
    if len(found) != len(texts):
        raise SystemOpsError(
            f"The backend {backend.name!r} gave {len(found)} answers to {len(texts)} texts."
        )
    for one in found:
        if one.label not in LABELS or not isfinite(one.score) or abs(one.score) > 1:
            raise SystemOpsError(
                f"The backend {backend.name!r} gave what is no sentiment: {one!r}."
            )
    return found


def backend_problems(conf: SentimentSettings) -> Iterator[str]:
    """Yield why the backend of the settings cannot be had, without loading it."""
    if conf.backend == "lexicon":
        if "en" in conf.languages and not has_words():
            yield (
                f"{_PLACE}['backend']: English needs the package vaderSentiment; install "
                "django-opskit[system-ops], or take 'en' out of 'languages'"
            )
    elif conf.backend == "transformers":
        if not conf.transformers_model:
            yield f"{_PLACE}['transformers_model'] does not name the directory of a model"
        elif not get_conf().below_base(conf.transformers_model).is_dir():
            yield f"{_PLACE}['transformers_model']: {conf.transformers_model} is no directory"
    else:
        try:
            import_string(conf.backend)
        except ImportError as error:
            yield f"{_PLACE}['backend']: {conf.backend!r} cannot be imported: {error}"


def language_problems(conf: SentimentSettings) -> Iterator[str]:
    """Yield what is wrong with languages, and with the site's own words of them."""
    known = KNOWN_LANGUAGES if conf.backend == "lexicon" else tuple(conf.languages)
    for key in ("languages", "extra_words", "extra_files"):
        for language in getattr(conf, key):
            if language not in known:
                yield (
                    f"{_PLACE}['{key}']: there is no lexicon of {language!r}, but of "
                    f"{', '.join(known)}"
                )
    for language, path in _extra_files(conf).items():
        if language in KNOWN_LANGUAGES:
            try:
                check_file(path, language)
            except (SystemOpsError, LexiconError) as error:
                yield f"{_PLACE}['extra_files'][{language!r}]: {str(error).rstrip('.')}"


def _extra_files(conf: SentimentSettings) -> dict[str, Path]:
    return {key: get_conf().below_base(value) for key, value in conf.extra_files.items()}
