"""A model for transformers, from a directory of this machine; nothing is ever downloaded."""

import hashlib
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from django_system_ops.engine.sentiment.results import (
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    UNKNOWN,
    Sentiment,
)
from django_system_ops.exceptions import SystemOpsError

__all__ = ["TransformersBackend", "model_version"]

_TEXTS_AT_ONCE = 32
_MOST_WORD_PIECES = 512
# The files that a model and its words are read from; others, such as a README, decide nothing.
_READ = {".json", ".txt", ".model", ".safetensors", ".jinja"}
# What models call their classes.
_SIDES = {
    **dict.fromkeys(("pos", "positive", "positivo", "4 stars", "5 stars"), 1.0),
    **dict.fromkeys(("neg", "negative", "negativo", "1 star", "2 stars"), -1.0),
    **dict.fromkeys(("neu", "neutral", "neutro", "3 stars"), 0.0),
}


class TransformersBackend:
    """Scores by a text classifier whose classes are positive, negative and perhaps neutral."""

    name = "transformers"

    def __init__(self, directory: Path) -> None:
        """
        Raises:
            SystemOpsError: there is no such directory, or no model in it, or a package is missing.
        """
        if not directory.is_dir():
            raise SystemOpsError(
                f"MANAGEMENT_COMMANDS['sentiment']['transformers_model']: {directory} is no "
                "directory. Models are not downloaded: put one there."
            )
        try:
            # Untyped, and not among our extras: a site brings it.
            tools: Any = import_module("transformers")
        except ImportError as error:
            raise SystemOpsError(
                "The backend 'transformers' needs transformers and torch: pip install "
                "transformers torch."
            ) from error
        where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            tokenizer = tools.AutoTokenizer.from_pretrained(str(directory), **where)
            model = tools.AutoModelForSequenceClassification.from_pretrained(
                str(directory), use_safetensors=True, **where
            )
        except Exception as error:  # the library raises whatever its parts do
            raise SystemOpsError(f"{directory} holds no model that can be read: {error}") from error
        self._sides = _sides(model.config.id2label, directory)
        self._classify = tools.pipeline("text-classification", model=model, tokenizer=tokenizer)
        self.version = model_version(directory)

    def analyse(self, texts: Sequence[str], languages: Sequence[str]) -> list[Sentiment]:
        """Return the sentiment of each text, whatever its language."""
        meant = [text for text in texts if text.strip()]
        answers = iter(
            self._classify(
                meant,
                top_k=None,
                batch_size=_TEXTS_AT_ONCE,
                truncation=True,
                max_length=_MOST_WORD_PIECES,
            )
            if meant
            else ()
        )
        return [
            self._sentiment(next(answers), language)
            if text.strip()
            else Sentiment(UNKNOWN, 0.0, language)
            for text, language in zip(texts, languages, strict=True)
        ]

    def _sentiment(self, classes: Sequence[Mapping[str, Any]], language: str) -> Sentiment:
        shares = {POSITIVE: 0.0, NEGATIVE: 0.0, NEUTRAL: 0.0}
        for one in classes:
            side = self._sides[str(one["label"])]
            label = NEUTRAL if side == 0 else POSITIVE if side > 0 else NEGATIVE
            shares[label] += float(one["score"])
        score = max(-1.0, min(1.0, shares[POSITIVE] - shares[NEGATIVE]))
        return Sentiment(max(shares, key=lambda key: shares[key]), round(score, 4), language)


def _sides(labels: Mapping[int, str], directory: Path) -> dict[str, float]:
    found = {name: _SIDES.get(name.strip().lower()) for name in labels.values()}
    unknown = [name for name, side in found.items() if side is None]
    if unknown:
        raise SystemOpsError(
            f"{directory}: its classes are {', '.join(labels.values())}; they have to be called "
            "positive, negative and neutral in its config.json."
        )
    return {name: side for name, side in found.items() if side is not None}


def model_version(directory: Path) -> str:
    """
    Return what changes when another model lies there: a digest of all that is read of it.

    A model that was trained again differs in nothing but its weights: so these are read too, which
    takes a second for 500 MB or so, much less than to load them.
    """
    digest = hashlib.sha256()
    for path in sorted(directory.iterdir()):
        if path.suffix in _READ and path.is_file():
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{path.name} {content}\n".encode())
    return digest.hexdigest()[:32]
