"""`examples/distillation.py` in short form: the student learns from the teacher, without labels."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from tests.examples.scripts import load

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

distillation = load("distillation")


def test_a_student_without_labels_is_nearly_as_good_as_its_teacher(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accuracy = distillation.main(["--quick", "--out", str(tmp_path)])
    assert accuracy["teacher"] > 0.85  # chance is 0.1
    assert accuracy["student, distilled"] > accuracy["teacher"] - 0.06
    for name in ("curves.png", "picture.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert "student, distilled          1210       0" in capsys.readouterr().out


def test_the_teacher_is_an_argument_of_the_step_and_stays_as_it_is() -> None:
    x = distillation.load_data()[0][:32]
    teacher = distillation.make_teacher().init(0, x)
    before = teacher.state_dict()
    trainer = distillation.Distiller(distillation.make_student(), teacher, optimizer="adam")
    trainer.fit(x, epochs=2, verbose=0)
    for name, array in trainer.state.teacher.state_dict().items():
        np.testing.assert_array_equal(array, before[name])

    trainer.state.teacher = teacher.map(jnp.zeros_like, "**/kernel").freeze().eval()
    trainer.state.teacher.layers[-1].bias = jnp.arange(10.0)
    (first,) = trainer.fit(x, verbose=0).history["divergence"]  # compiled already, and yet it sees
    target = distillation.tx.losses.kl_divergence(
        jnp.arange(10.0) / 3, jnp.zeros(10), target_from_logits=True
    )
    assert first == pytest.approx(float(target), abs=0.3)
