"""What YAML allows and nobody means is refused in one sentence with its line; whatever was meant is read as before."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from clientela.config.read import load_config
from clientela.config.yaml_file import read_yaml
from clientela.errors import ConfigError
from tests.conftest import SHOP

ROOT = Path(__file__).parents[2]
DEEP = "no key of a configuration stands so deep."


def refusal(folder: Path, text: str | bytes) -> str:
    """The one sentence that the file is refused with, without the file's name."""
    path = folder / "clientela.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    sentence = refused.value.sentence
    assert sentence.startswith(str(path)) and sentence.endswith(".") and "\n" not in sentence and len(sentence) < 400
    return sentence.removeprefix(str(path)).lstrip(": ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("company: a\ncurrency: EUR\ncompany: b\n", "the key company stands twice, at lines 1 and 3."),
        (
            "sources:\n  till:\n    entities:\n      customers:\n        key: id\n        'key': other\n",
            "sources.till.entities.customers: the key key stands twice, at lines 5 and 6.",
        ),
        (
            "segments:\n  rules:\n    - {name: a, predicate: b}\n    - {name: a,\n       name: b}\n",
            "segments.rules.1: the key name stands twice, at lines 4 and 5.",
        ),
        ("a: {x: 1, ? [b] : 2}\n", "a: the key at line 1 is no text but a list or mapping."),
        ("a:\n  no: x\n", "a: the key no at line 2 is read as true or false; write it in quotes."),
        ("1: x\n", "the key 1 at line 1 is read as a number; write it in quotes."),
        ("a: 1\n\tb: 2\n", "is not readable as YAML at line 2, column 1: a tab stands there; indent with spaces."),
        ("a: 1\nb: x\0y\n", "holds the control character U+0000 at line 2; it is no text, take it out."),
        ("a: 1\nb: " + "[" * 100_000, f"is nested deeper than 40 levels at line 2; {DEEP}"),
        ("\n".join(" " * i + "a:" for i in range(900)), f"is nested deeper than 40 levels at line 41; {DEEP}"),
        ("a: &a [*a]\n", "the anchor at line 1 holds an alias of itself."),
        (
            "as_of: 2026-13-45\n",
            "is not readable as YAML at line 1, column 8: this cannot be read as a date or time; write it in quotes",
        ),
        (b"a: 1\nb: \xff\n", "is not UTF-8 at line 2; save it in that encoding."),
        ("a: 1\n---\nb: 1\n", "is not readable as YAML at line 2, column 1: a second document begins there"),
        ("a: !!python/name:os.system x\n", "is not readable as YAML at line 1, column 4: could not determine a constructor"),
    ],
)  # fmt: skip
def test_what_nobody_means_is_said_in_one_sentence(tmp_path: Path, text: str | bytes, expected: str) -> None:
    assert refusal(tmp_path, text).startswith(expected)


def test_aliases_that_unfold_without_end_are_refused(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    assert "its aliases unfold to more than 100,000 values" in refusal(tmp_path, "\n".join(levels))
    chain = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 3000)]
    assert "nested deeper than 40 levels" in refusal(tmp_path, "\n".join(chain))


def test_a_file_that_cannot_be_opened_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    for method in ("read_bytes", "read_text"):
        monkeypatch.setattr(Path, method, denied)
    assert refusal(tmp_path, "company: a") == "cannot be read: Permission denied."


def test_what_was_meant_is_read_as_pyyaml_reads_it(tmp_path: Path) -> None:
    for example in [*(ROOT / "examples").rglob("clientela.yml")]:
        assert read_yaml(example) == yaml.safe_load(example.read_text(encoding="utf-8"))
    path = tmp_path / "x.yml"
    path.write_text(
        "\ufeffa: &a {b: [1, 2.5, true, null, 2026-01-31, 'no']}\nc: *a\nd: {<<: *a, e: 1}\n", encoding="utf-8"
    )
    assert read_yaml(path) == yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    path.write_text("", encoding="utf-8")
    assert read_yaml(path) is None
    path.write_text(yaml.safe_dump(SHOP), encoding="utf-8")
    assert load_config(path).company == "Corner shop"


@pytest.mark.parametrize(
    ("added", "expected"),
    [
        ({"curency": "EUR"}, "curency at line 1: there is no such key here; did you mean currency?"),
        (
            {"publish": {"personaldata": "full"}},
            "publish.personaldata at line 2: there is no such key here; did you mean personal_data?",
        ),
        (
            {"publish": {"xyz": 1}},
            "publish.xyz at line 2: there is no such key here; there are: group, keep, personal_data, profiles, storage_version.",
        ),
    ],
)
def test_a_key_that_does_not_exist_is_reported_with_its_line_and_the_nearest(
    tmp_path: Path, added: dict[str, Any], expected: str
) -> None:
    # without the full stop that every sentence has but a question
    text = yaml.safe_dump(added) + yaml.safe_dump(SHOP, sort_keys=False)
    (tmp_path / "clientela.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_config(tmp_path / "clientela.yml")
    assert refused.value.sentence == f"{tmp_path / 'clientela.yml'}: {expected}"


def test_a_required_key_that_is_written_wrong_is_reported_before_it_is_missed(tmp_path: Path) -> None:
    settings = {{"currency": "curency"}.get(name, name): value for name, value in SHOP.items()}
    (tmp_path / "clientela.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"curency at line \d+: .*; did you mean currency\?") as refused:
        load_config(tmp_path / "clientela.yml")
    assert refused.value.details == "currency: this key is missing."


def test_a_key_deep_in_a_source_is_reported_too(tmp_path: Path) -> None:
    settings = copy.deepcopy(SHOP)
    settings["sources"]["till"]["timezone"] = "UTC"
    (tmp_path / "clientela.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"sources\.till\.timezone at line \d+: .* did you mean time_zone\?"):
        load_config(tmp_path / "clientela.yml")
