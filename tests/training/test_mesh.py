"""Training on a mesh of devices: the numbers are those of one device, and nothing is lost."""

import copy
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import treexlite as tx
from tests.training.models import Scale, arrays, classes
from treexlite._errors import ArgumentError
from treexlite.training import Batch, Trainer, TrainState, _feed, _form, _mesh, _step
from treexlite.training._mesh import MeshPlacement, Placement, as_placement

pytestmark = pytest.mark.skipif(jax.device_count() < 4, reason="four devices are needed")


def devices(*numbers: int) -> Any:
    return np.array([jax.devices()[number] for number in numbers])


def mesh_of(*numbers: int) -> Mesh:
    return Mesh(devices(*(numbers or (0, 1, 2, 3))), ("data",))


class Normed(tx.Module):
    """Has statistics of the batch, and random masks; no gradient in it is 0 but for rounding."""

    def __init__(self) -> None:
        self.hidden = tx.nn.Linear(8, use_bias=False)
        self.norm = tx.nn.BatchNorm(momentum=0.5)
        self.dropout = tx.nn.Dropout(0.3)
        self.linear = tx.nn.Linear(3)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.linear(self.dropout(jax.nn.relu(self.norm(self.hidden(x)))))


def small() -> Any:
    return tx.nn.Linear(3)


def new(mesh: Mesh | None, model: Any = None, kind: Any = Trainer, **options: Any) -> Any:
    model = small() if model is None else model
    return kind(model, "crossentropy", "adam", ["accuracy"], mesh=mesh, **options)


def batches(size: int = 16) -> Iterator[Any]:
    x, y = classes(50)
    return ((x[n : n + size], y[n : n + size]) for n in range(0, 50, size))


def assert_close(left: Any, right: Any) -> None:
    for name, value in arrays(left).items():
        np.testing.assert_allclose(value, arrays(right)[name], 1e-4, 1e-5, err_msg=name)


def places(module: Any) -> dict[str, Any]:
    return {info.path: info.value.sharding for info in module.fields()}


X, Y = classes(50)
WEIGHTS = np.linspace(0, 2, 50).astype(np.float32)


@pytest.mark.parametrize(
    ("model", "options", "given", "settings"),
    [
        (Normed, {}, (X, Y), {"class_weight": {0: 1, 1: 2, 2: 0.5}, "sample_weight": WEIGHTS}),
        (small, {"accumulate_steps": 3}, (X, Y), {"sample_weight": WEIGHTS}),
        (small, {"run_eagerly": True}, (X, Y), {"steps_per_epoch": 1, "epochs": 1}),
        (small, {"donate": False}, (batches,), {}),
        (small, {"steps_per_execution": 2}, "on the host", {"drop_remainder": True}),
    ],
)
def test_the_numbers_are_those_of_one_device(
    model: Any, options: Any, given: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if given == "on the host":
        monkeypatch.setattr(_feed, "RESIDENT_SHARE", 0.0)
        monkeypatch.setattr(_feed, "STREAM_BYTES", 0)
        given = X, Y
    alone, spread = new(None, model(), **options), new(mesh_of(), model(), **options)
    settings = {"batch_size": 16, "epochs": 2, "verbose": 0, **settings}
    histories = [t.fit(*given, validation_data=(X, Y), **settings).history for t in (alone, spread)]
    for name, values in histories[0].items():
        tolerance = 1e-5 if "loss" in name else 0
        np.testing.assert_allclose(histories[1][name], values, tolerance, err_msg=name)
    assert_close(alone.state, spread.state)
    assert {place.num_devices for place in places(spread.state).values()} == {4}


def test_evaluation_and_prediction_are_those_of_one_device() -> None:
    alone, spread = new(None), new(mesh_of())
    expected, found = [t.predict(X, batch_size=16, verbose=0) for t in (alone, spread)]
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, expected, 1e-5, 1e-6)
    np.testing.assert_allclose(spread.predict_on_batch(X[:8]), expected[:8], 1e-5, 1e-6)
    for data in ((X, Y), (batches,)):
        logs = [t.evaluate(*data, batch_size=16, verbose=0) for t in (alone, spread)]
        assert logs[1]["accuracy"] == logs[0]["accuracy"]
        np.testing.assert_allclose(logs[1]["loss"], logs[0]["loss"], 1e-5)


def test_single_batches_are_those_of_one_device() -> None:
    logs = []
    for mesh in (None, mesh_of()):
        trainer = new(mesh)
        trained = [trainer.train_on_batch(X[:size], Y[:size]) for size in (8, 6)]
        logs.append([*trained, trainer.test_on_batch(X[:8], Y[:8])])
    for alone, spread in zip(*logs, strict=True):
        assert spread["accuracy"] == alone["accuracy"]
        np.testing.assert_allclose(spread["loss"], alone["loss"], 1e-5)


class Looking(Trainer):
    """Remembers how the examples of its batches lie on the devices."""

    seen: list[tuple[int, Any]]

    def loss_fn(self, model: Any, batch: Batch) -> Any:
        def look(place: Any) -> None:
            self.seen.append((len(batch.x), tuple(place.spec)))

        jax.debug.inspect_array_sharding(batch.x, callback=look)
        return super().loss_fn(model, batch)


@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("capacity", [0, 2**20])
def test_examples_are_divided_when_their_number_is(
    steps: int, capacity: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_feed, "STREAM_BYTES", capacity)
    trainer = new(mesh_of(), small(), Looking, accumulate_steps=steps)
    trainer.seen = []
    trainer.fit(X, Y, batch_size=16, verbose=0)
    trainer.fit(batches, verbose=0)
    divided = {size: spec for size, spec in trainer.seen if size == 16 // steps}
    assert divided == {16 // steps: ("data",)}
    assert {spec for size, spec in trainer.seen if size == 2 // steps} == {()}


@pytest.mark.parametrize("kind", ["arrays", "stream", "large batches", "single", "records"])
def test_a_mesh_costs_no_trace_no_program_and_no_wait(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted(mesh: Mesh | None) -> Any:
        fetched: list[Any] = []
        traced: list[int] = []
        original = _step.jax.device_get
        monkeypatch.setattr(_step, "fetch", lambda tree: fetched.append(tree) or original(tree))

        class Counting(Trainer):
            def loss_fn(self, model: Any, batch: Batch) -> Any:
                traced.append(len(batch.x))
                return super().loss_fn(model, batch)

        trainer = new(mesh, small(), Counting)
        given = (lambda: batches(10),) if kind in ("stream", "large batches") else (X, Y)
        more = {"validation_data": (X, Y), "record_steps": kind == "records"}
        rate = tx.callbacks.LambdaCallback(
            on_epoch_begin=lambda *_: setattr(trainer.optimizer, "learning_rate", 0.01),
            on_train_batch_end=lambda *_: setattr(trainer.optimizer, "learning_rate", 0.02),
        )
        for _ in range(2):
            trainer.fit(*given, batch_size=10, epochs=2, verbose=0, callbacks=rate, **more)
        programs = trainer._programs
        kinds = (programs.looped, programs.single)
        sizes = [kind[mode].cache_size() for kind in kinds for mode in ("train", "test")]
        return len(traced), sizes, programs._start.cache_size(), len(fetched)

    if kind == "large batches":
        monkeypatch.setattr(_feed, "STREAM_BYTES", 0)
    if kind == "single":
        monkeypatch.setattr(_form, "LOOP_FLOPS", 0.0)
    assert counted(mesh_of()) == counted(None)


def in_parts(mesh: Mesh, module: Any) -> Any:
    """The last axes of parameters are divided."""

    def part(value: Any) -> Any:
        spec = PartitionSpec(*[None] * (value.ndim - 1), "model")
        return jax.device_put(value, NamedSharding(mesh, spec))

    return module.map(part, tx.Parameter)


def test_arrays_that_are_in_parts_stay_in_them() -> None:
    mesh = jax.make_mesh((2, 2), ("model", "data"))  # by now, of axes with "explicit" types
    model = tx.nn.Linear(4).init(0, X[:1])
    alone = new(None, model.copy())
    spread = new(mesh, in_parts(mesh, model))
    for trainer in (alone, spread):
        trainer.fit(X, Y, batch_size=16, verbose=0)
        trainer.train_on_batch(X[:16], Y[:16])
        trainer.evaluate(X, Y, verbose=0)
    assert_close(alone.state, spread.state)
    divided = {path for path, place in places(spread.state).items() if "model" in place.spec}
    weights = {path for path in places(model) if path.endswith(("kernel", "bias"))}
    moments = {f"optimizer/opt_state/0/{name}/{path}" for name in ("mu", "nu") for path in weights}
    assert divided == {f"model/{path}" for path in weights} | moments
    assert spread._programs.looped["train"].cache_size() == 2


def test_parts_may_change_between_trainings() -> None:
    mesh = Mesh(devices(0, 1, 2, 3).reshape(2, 2), ("model", "data"))
    alone, spread = new(None, tx.nn.Linear(4)), new(mesh, tx.nn.Linear(4))
    for trainer in (alone, spread):
        trainer.fit(X, Y, verbose=0)
    before = places(spread.model)
    tx.Module.update(spread.model, in_parts(mesh, spread.model), inplace=True)
    for trainer in (alone, spread):
        trainer.fit(X, Y, verbose=0)
    assert_close(alone.model, spread.model)
    assert not any("model" in place.spec for place in before.values())
    assert all("model" in place.spec for place in places(spread.model).values())


def test_a_training_goes_on_where_it_was_saved(tmp_path: Any) -> None:
    whole, half, resumed = (new(mesh_of()) for _ in range(3))
    alone = new(None)
    whole.fit(X, Y, batch_size=16, epochs=4, verbose=0)
    half.fit(X, Y, batch_size=16, epochs=2, verbose=0)
    half.save(tmp_path / "half")
    for trainer in (resumed, alone):
        trainer.restore(tmp_path / "half")
        trainer.fit(X, Y, batch_size=16, epochs=4, verbose=0)
        assert_close(trainer.state, whole.state)
    assert places(resumed.state) == places(whole.state)
    np.testing.assert_allclose(resumed.history.history["loss"], whole.history.history["loss"])


def test_a_file_is_read_into_the_parts_of_the_model(tmp_path: Any) -> None:
    mesh = Mesh(devices(0, 1, 2, 3).reshape(2, 2), ("model", "data"))
    saved = new(mesh_of(), tx.nn.Linear(4))
    saved.fit(X, Y, verbose=0)
    saved.save(tmp_path / "saved")
    model = in_parts(mesh, tx.nn.Linear(4).init(1, X[:1]))
    other = new(mesh, model)
    other.restore(tmp_path / "saved")
    other.evaluate(X, Y, verbose=0)
    assert all("model" in place.spec for place in places(model).values())
    assert_close(model, saved.model)


def test_callbacks_work_as_on_one_device() -> None:
    results = []
    for mesh in (None, mesh_of()):
        trainer = new(mesh)
        ema = tx.callbacks.EMA(0.5)
        callbacks = [
            ema,
            tx.callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True),
            tx.callbacks.GradientMonitor(),
            tx.callbacks.TerminateOnNaN(),
        ]
        data = {"validation_data": (X, Y), "batch_size": 16, "epochs": 3, "verbose": 0}
        history = trainer.fit(X, Y, callbacks=callbacks, **data).history
        results.append((history, ema.averages, trainer.model))
        assert trainer._programs.looped["train"].cache_size() == 2
    for name, values in results[0][0].items():
        np.testing.assert_allclose(results[1][0][name], values, 1e-3, err_msg=name)
    for path, average in results[0][1].items():
        np.testing.assert_allclose(results[1][1][path], average, 1e-4, 1e-5, err_msg=path)
    assert_close(results[0][2], results[1][2])


def test_a_step_that_fails_is_explained_as_on_one_device() -> None:
    class Failing(Scale):
        def __call__(self, x: jax.Array) -> jax.Array:
            return jnp.where(x.sum() > 100, jnp.nan, self.w * x)

    x = np.ones(40, np.float32)
    x[32] = 1000
    trainer = Trainer(Failing(), "mse", "sgd", mesh=mesh_of())
    guard = tx.callbacks.TerminateOnNaN()
    trainer.fit(x, x, 8, shuffle=False, verbose=0, callbacks=guard)
    assert guard.found is not None
    assert (guard.found.step, guard.found.what) == (5, "output")
    assert trainer.optimizer.step == 4


def test_modules_in_attributes_are_moved_too() -> None:
    class Distilling(Trainer):
        teacher: Any

        def loss_fn(self, model: Any, batch: Batch) -> Any:
            return ((model(batch.x) - self.teacher(batch.x)) ** 2).mean()

    def trained(mesh: Mesh | None) -> Any:
        trainer = Distilling(Scale(2.0), optimizer="sgd", mesh=mesh)
        trainer.teacher = Scale(3.0)
        trainer.fit(X[:, 0], batch_size=16, verbose=0)
        return trainer

    alone, spread = trained(None), trained(mesh_of())
    np.testing.assert_allclose(spread.model.w, alone.model.w, 1e-5)
    assert spread.teacher.w.sharding.num_devices == 4
    sizes = [trainer._programs.looped["train"].cache_size() for trainer in (alone, spread)]
    assert sizes[0] == sizes[1]


def test_what_others_hold_survives() -> None:
    model = small().init(0, X[:1])
    held, expected = model.state_dict(), arrays(model)
    twin = model.copy()
    new(mesh_of(), model).fit(X, Y, batch_size=16, verbose=0)
    for path, value in expected.items():
        np.testing.assert_array_equal(held[path], value)
    np.testing.assert_array_equal(twin.kernel, expected["kernel"])
    assert not np.array_equal(model.kernel, expected["kernel"])


def test_a_mesh_may_have_other_devices_than_the_default_one() -> None:
    trainer = new(mesh_of(2, 3))
    trainer.fit(X, Y, batch_size=16, verbose=0)
    used = {device for place in places(trainer.state).values() for device in place.device_set}
    assert used == set(jax.devices()[2:4])


def test_a_trainer_on_a_mesh_can_be_copied() -> None:
    trainer = new(mesh_of())
    trainer.fit(X, Y, batch_size=16, verbose=0)
    twin = copy.deepcopy(trainer)
    for other in (trainer, twin):
        other.fit(X, Y, batch_size=16, verbose=0)
    np.testing.assert_array_equal(twin.model.kernel, trainer.model.kernel)
    assert places(twin.state) == places(trainer.state)


@pytest.mark.parametrize(
    ("names", "axis"),
    [
        (("a", "b"), "a"),
        (("model", "data"), "data"),
        (("model", "batch"), "batch"),
        (("batch", "data"), "data"),
    ],
)
def test_the_axis_of_the_examples_is_the_one_that_is_called_so(
    names: tuple[str, ...], axis: str
) -> None:
    assert MeshPlacement("", Mesh(devices(0, 1, 2, 3).reshape(2, 2), names)).axis == axis


def test_copies_on_a_cpu_share_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_feed, "memory", lambda: 16 * X.nbytes)
    data = _feed.Arrays("", Batch(X))
    assert as_placement("", None).num_copies == 1
    assert _feed.ArrayFeed(data, 8, placement=as_placement("", mesh_of())).is_resident
    monkeypatch.setattr(_feed, "memory", lambda: 15 * X.nbytes)
    assert not _feed.ArrayFeed(data, 8, placement=as_placement("", mesh_of())).is_resident
    assert _feed.ArrayFeed(data, 8).is_resident


# what is refused


@pytest.mark.parametrize("mesh", [4, "data", jax.devices(), Mesh(devices(0)[0], ())])
def test_what_is_no_mesh_is_refused(mesh: Any) -> None:
    message = (
        r"Trainer: expected `mesh` to be a `jax.sharding.Mesh` with at least one axis, or None, "
        r"received mesh=.* Make one: `jax.make_mesh\("
    )
    with pytest.raises(ArgumentError, match=message):
        new(mesh)


class Elsewhere:
    """A device of another platform, or of another process."""

    def __init__(self, platform: str = "cpu", process_index: int = 0) -> None:
        self.platform, self.process_index = platform, process_index

    def __str__(self) -> str:
        return f"{self.platform} device"


@pytest.mark.parametrize(
    ("device", "message"),
    [
        (
            Elsewhere("gpu"),
            r"expected a mesh of devices of the default platform, cpu, received mesh with gpu "
            r"device\. Make it of `jax.devices\(\)`",
        ),
        (
            Elsewhere(process_index=1),
            r"expected a mesh of devices of this process, received mesh with cpu device of another "
            r"one\. Make it of `jax.local_devices\(\)`",
        ),
    ],
)
def test_a_mesh_of_foreign_devices_is_refused(device: Any, message: str) -> None:
    class Foreign(Mesh):
        devices = np.array([device], dtype=object)
        axis_names = ("data",)

    with pytest.raises(ArgumentError, match=message):
        _mesh.as_placement("Trainer", object.__new__(Foreign))


OUTSIDE = r"Trainer.*: expected every array on the devices of the mesh, whole or in parts of that"


def test_a_model_on_another_device_is_refused() -> None:
    model = Scale()
    model.w = jax.device_put(model.w, jax.devices()[3])
    message = rf"{OUTSIDE} mesh, received state/model/w on \S*3\. Move it: `jax.device_put"
    with pytest.raises(ArgumentError, match=message):
        Trainer(model, "mse", "sgd", mesh=mesh_of(0, 1))
    trainer = Trainer(Scale(), "mse", "sgd", mesh=mesh_of(0, 1))
    before = trainer.model.w
    trainer.other = model  # type: ignore[attr-defined]
    with pytest.raises(ArgumentError, match=rf"{OUTSIDE} mesh, received other/w on"):
        trainer.fit(np.ones(4), np.ones(4), verbose=0)
    assert trainer.model.w is before
    assert trainer.state.step == 0


def test_a_model_in_parts_of_another_mesh_is_refused() -> None:
    other = Mesh(devices(0, 1, 2, 3).reshape(2, 2), ("model", "data"))
    model = in_parts(other, tx.nn.Linear(4).init(0, X[:1]))
    message = rf"{OUTSIDE} mesh, received state/model/kernel with NamedSharding.* Move it"
    with pytest.raises(ArgumentError, match=message):
        new(mesh_of(), model)


def test_a_model_on_one_device_of_the_mesh_is_moved() -> None:
    model = Scale()
    model.w = jax.device_put(model.w, jax.devices()[1])
    trainer = Trainer(model, "mse", "sgd", mesh=mesh_of())
    trainer.predict(np.ones(4), verbose=0)
    assert model.w.sharding.num_devices == 4


def test_without_a_mesh_nothing_is_moved() -> None:
    placement, state = Placement(), TrainState(Scale())
    before = dict(state.state_dict())
    modules = {"state": state}
    placement.check("", modules)
    placement.place(modules)
    placement.place_whole([state])
    placement.constrain(modules)
    assert placement.placed(modules) is modules
    assert all(value is before[path] for path, value in state.state_dict().items())
    shape = jax.ShapeDtypeStruct((2,), np.float32)
    assert placement.shapes(shape) is shape
    batch = Batch(X)
    assert placement.split(batch) is batch
