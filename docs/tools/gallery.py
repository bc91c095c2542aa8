"""Turns scripts of `examples/` into pages: what they say of themselves, pictures, sources.

A page that lists them has galleries of cards, each written as `<!-- gallery: name name -->`.
"""

import ast
import html
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
GALLERY = re.compile(r"<!-- gallery: ([\w ]+) -->")
NAMES = {
    "char": "Character",
    "gan": "GAN",
    "gpt": "GPT",
    "jax": "JAX",
    "lora": "LoRA",
    "lstm": "LSTM",
    "mlp": "MLP",
    "mnist": "MNIST",
    "ode": "ODE",
    "reinforce": "REINFORCE",
    "resnet": "ResNet",
    "vae": "VAE",
    "vit": "ViT",
}
INDENTED = re.compile(r"(?m)^    (?P<line>.*)$\n?")
REMARK = re.compile(r"(?<=\S)( {2,})(?=\S)")  # what stands beside a command


def scripts() -> list[Path]:
    """Return the scripts that have a page, in the order of their names."""
    return sorted(EXAMPLES.glob("*.py"))


def thumbnail(script: Path) -> str | None:
    """Return the picture of a script, from `docs/`; None if there is none."""
    path = f"images/examples/{script.stem}.png"
    return path if (ROOT / "docs" / path).exists() else None


def page(script: Path) -> str:
    """Return the Markdown page of a script; it belongs into `docs/examples/`."""
    said = _said(script)
    first, _, rest = said.partition("\n")
    usage = "\n".join(
        REMARK.sub(r"\1# ", match["line"], count=1) for match in INDENTED.finditer(rest)
    )
    parts = [f"# {title(script)}", first, INDENTED.sub("", rest).strip()]
    if usage:
        parts.append(f"```bash\n{usage}\n```")
    if picture := thumbnail(script):
        parts.append(f"![What the script draws](../{picture})")
    source = script.read_text("utf-8").rstrip()
    parts.append(f'## The script\n\n```python title="examples/{script.name}"\n{source}\n```')
    parts.append("[All examples](index.md)")
    return "\n\n".join(part for part in parts if part) + "\n"


def title(script: Path) -> str:
    """Return a script's name in words."""
    first, *more = script.stem.split("_")
    return " ".join(
        [NAMES.get(first, first.capitalize()), *(NAMES.get(word, word) for word in more)]
    )


def listed(text: str) -> list[str]:
    """Return the names of the scripts whose cards a page shows."""
    return [name for names in GALLERY.findall(text) for name in names.split()]


def with_cards(text: str) -> str:
    """Return a page with a card in the place of each name in its galleries."""
    return GALLERY.sub(lambda found: _cards(found[1].split()), text)


def _cards(names: list[str]) -> str:
    cards = []
    for script in (EXAMPLES / f"{name}.py" for name in names):
        picture = thumbnail(script)
        image = f'<img src="../{picture}" alt="" loading="lazy">' if picture else ""
        sentence = html.escape(_said(script).partition("\n")[0])
        words = f"<strong>{title(script)}</strong><br>{sentence}"
        cards.append(f'<a href="{script.stem}.html">{image}{words}</a>')
    return '<div class="gallery">\n' + "\n".join(cards) + "\n</div>"


def _said(script: Path) -> str:
    said = ast.get_docstring(ast.parse(script.read_text("utf-8")))
    assert said is not None, f"{script.name} does not say what it does"
    return said
