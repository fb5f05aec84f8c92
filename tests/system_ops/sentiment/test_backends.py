"""What scores: the site's own class, a model of transformers, and what is said when it fails."""

import subprocess
import sys

import pytest

from django_system_ops.exceptions import SystemOpsError, WrongUsageError
from django_system_ops.models import SentimentScore
from django_system_ops.services.sentiment.backends import get_backend
from django_system_ops.services.sentiment.transformer_models import (
    TransformersBackend,
    model_version,
)
from tests.processes import ROOT
from tests.system_ops.sentiment.conftest import GOOD, UTTERANCES, analyse, say

SCORERS = "tests.system_ops.sentiment.scorers"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Raising", "The backend 'gloomy' failed: no model"),
        ("Short", "gave 0 answers to 1 texts"),
        ("Odd", "gave what is no sentiment"),
        ("Endless", "gave what is no sentiment"),
        ("Nameless", "is none: it lacks name, version, analyse"),
        ("LongNamed", "its name must be 1 to 50 characters"),
        ("Missing", "cannot be had"),
    ],
)
@pytest.mark.django_db
def test_backend_that_fails_is_one_sentence_and_writes_nothing(name, sentence):
    say(GOOD)

    found = analyse(f"--backend={SCORERS}.{name}")

    assert found["status"] == 1
    assert sentence in found["sentence"]
    assert not SentimentScore.objects.exists()


def test_unknown_name_lists_those_that_are_known():
    with pytest.raises(WrongUsageError, match="but lexicon, transformers, or the dotted path"):
        get_backend("lexicn", ["es"])


def test_lexicon_of_another_language_is_refused():
    with pytest.raises(SystemOpsError, match="There is no lexicon of the language 'fr'"):
        get_backend("lexicon", ["fr"])


def test_english_without_vader_is_one_sentence_and_spanish_needs_none():
    source = (
        "import sys, importlib.abc\n"
        "class Missing(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'vaderSentiment':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from django_system_ops.exceptions import SystemOpsError\n"
        "from django_system_ops.services.sentiment.lexicons import lexicon_backend\n"
        "found = lexicon_backend(['es']).analyse(['muy bueno'], ['es'])\n"
        "print(found[0].label)\n"
        "try:\n"
        "    lexicon_backend(['en'])\n"
        "except SystemOpsError as error:\n"
        "    print(error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert found.stdout.startswith("positive\nThe words of English come with vaderSentiment")


def test_importing_it_loads_no_lexicon():
    source = (
        "from django_system_ops.services.sentiment import lexicons\n"
        "print(lexicons._resource.cache_info().currsize)"
    )
    found = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == "0"


def test_model_that_is_no_directory_is_one_sentence(tmp_path):
    with pytest.raises(SystemOpsError, match="is no directory. Models are not downloaded"):
        TransformersBackend(tmp_path / "nowhere")


@pytest.mark.django_db
def test_transformers_without_a_model_is_one_sentence():
    say(GOOD)

    assert "does not name the directory of a model" in analyse("--backend=transformers")["sentence"]


@pytest.fixture
def model(tmp_path):
    """A classifier with three classes that has learnt nothing."""
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    folder = tmp_path / "model"
    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad"]
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
        id2label={0: "NEG", 1: "NEU", 2: "POS"},
        label2id={"NEG": 0, "NEU": 1, "POS": 2},
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.mark.django_db
def test_transformers_model_scores(sentiment, model):
    sentiment(**UTTERANCES, backend="transformers", transformers_model=str(model))
    say("good", "bad", "", "good " * 2000)

    found = analyse()

    assert (found["status"], found["scored"], found["unknown"]) == (0, 4, 1)
    assert all(-1 <= one.score <= 1 for one in SentimentScore.objects.all())
    assert analyse()["skipped"] == 4


def test_transformers_model_with_other_classes_is_refused(model):
    config = model / "config.json"
    config.write_text(config.read_text().replace("NEG", "SPAM"))

    with pytest.raises(SystemOpsError, match="its classes are SPAM, NEU, POS"):
        TransformersBackend(model)


def test_version_of_a_model_is_that_of_its_weights(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"a" * 1000)
    before = model_version(tmp_path)

    (tmp_path / "README.md").write_text("How to use it.")
    assert model_version(tmp_path) == before
    weights.write_bytes(b"b" * 1000)

    assert model_version(tmp_path) != before


def test_model_that_was_trained_again_scores_everything_again(model):
    transformers = pytest.importorskip("transformers")
    before = TransformersBackend(model).version

    config = transformers.BertConfig.from_pretrained(model)
    transformers.BertForSequenceClassification(config).save_pretrained(model)

    assert TransformersBackend(model).version != before


def test_directory_without_a_model_is_one_sentence(tmp_path):
    pytest.importorskip("transformers")
    with pytest.raises(SystemOpsError, match="holds no model that can be read"):
        TransformersBackend(tmp_path)
