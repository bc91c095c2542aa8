"""Names of treexlite in a text become links to the reference."""

import pytest

import treexlite as tx
from docs.tools.crosslinks import classes, link_names

LINKED = '<autoref optional identifier="treexlite.nn.Linear"><code>tx.nn.Linear</code></autoref>'


def test_a_name_is_a_link_the_first_time_in_each_section() -> None:
    text = "Use `tx.nn.Linear`, again `tx.nn.Linear`.\n\n## More\n\nAgain `tx.nn.Linear`."
    expected = f"Use {LINKED}, again `tx.nn.Linear`.\n\n## More\n\nAgain {LINKED}."
    assert link_names(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "# About `tx.nn.Linear`",
        "```python\ncall(`tx.nn.Linear`)\n```",
        "  ```text\n  `tx.nn.Linear`\n  ```",
        "```bash\n## Comment\n# `tx.nn.Linear`\necho `tx.nn.Linear`\n```",
        "[`tx.nn.Linear`](layers.md)",
        "[the layer `tx.nn.Linear` and [more] of it](layers.md)",
        "`tx.nn.Linear(3)`",
        "``tx.nn.Linear``",
        "`jax.nn.relu`",
    ],
)
def test_headings_code_links_and_calls_stay(text: str) -> None:
    assert link_names(text) == text


def test_a_class_alone_is_a_link_where_it_is_asked_for() -> None:
    link = LINKED.replace("<code>tx.nn.", "<code>")
    assert link_names("A `Linear`, a `tx.nn.Linear`.", classes()) == f"A {link}, a `tx.nn.Linear`."
    assert link_names("A `Linear`.") == "A `Linear`."


def test_a_class_of_two_rooms_is_not_guessed() -> None:
    found = classes()
    assert found["Trainer"] == "Trainer"
    assert found["EarlyStopping"] == "callbacks.EarlyStopping"
    both = {name for name in tx.losses.__all__ if name in tx.metrics.__all__}
    assert both
    assert not both & set(found)
