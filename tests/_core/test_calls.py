import inspect
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import treexlite as tx
from tests._core.modules import Dense, Net, Scale, X, make_net
from treexlite._errors import ArgumentError, NotInitializedError, ShapeError


class Strict(tx.Module):
    """Refuses with an error of ours, or with a foreign one."""

    def __init__(self, foreign: bool = False) -> None:
        self.foreign = foreign

    def __call__(self, x: Any) -> Any:
        if self.foreign:
            raise ZeroDivisionError("foreign")
        raise ShapeError("Strict", expected="a", received="b", fix="c.")


class Parent(tx.Module):
    def __init__(self, child: Any) -> None:
        self.blocks = [{"inner": child}]

    def __call__(self, x: Any) -> Any:
        return self.blocks[0]["inner"](x)


def test_calling_before_init_names_the_missing_fields() -> None:
    with pytest.raises(NotInitializedError, match="`w`, `b` are not created yet") as caught:
        Dense(2)(X)
    assert "model = model.init(key, inputs)" in str(caught.value)
    assert isinstance(caught.value, RuntimeError)
    with pytest.raises(NotInitializedError, match="`w` is not created yet"):
        Dense(2, bias=False)(X)


def test_calling_a_part_before_init_says_where_it_is() -> None:
    with pytest.raises(NotInitializedError, match="Dense at blocks/0/inner: expected"):
        Parent(Dense(2))(X)


@pytest.mark.parametrize("transform", [jax.jit, tx.jit])
def test_calling_before_init_is_refused_under_jit_too(transform: Any) -> None:
    with pytest.raises(NotInitializedError, match="Dense"):
        transform(lambda m, x: m(x))(Dense(2), X)


def test_a_field_that_is_deleted_or_reset_later_is_missed_again() -> None:
    model = Dense(2).init(0, X)
    model(X)
    weights = model.w
    del model.w
    with pytest.raises(NotInitializedError, match="`w`"):
        model(X)
    model.w = weights
    model(X)
    model.w = tx.Initializer(lambda key: weights)
    with pytest.raises(NotInitializedError, match="`w`"):
        model(X)


def test_a_call_that_a_mixin_brings_is_guarded_too() -> None:
    class Mixin:
        def __call__(self, x: Any) -> Any:
            return x @ self.w  # type: ignore[attr-defined]

    class Model(Mixin, tx.Module):
        w: Any = tx.Parameter.node()

    with pytest.raises(NotInitializedError, match="`w`"):
        Model()(X)


def test_our_errors_carry_the_path_of_the_module_that_raised_them() -> None:
    with pytest.raises(ShapeError) as caught:
        Parent(Parent(Strict()))(X)
    assert caught.value.path == "blocks/0/inner/blocks/0/inner"
    assert str(caught.value) == (
        "Strict at blocks/0/inner/blocks/0/inner: expected a, received b. c."
    )


def test_at_the_root_there_is_no_path() -> None:
    with pytest.raises(ShapeError) as caught:
        Strict()(X)
    assert caught.value.path is None
    assert str(caught.value) == "Strict: expected a, received b. c."


def test_foreign_errors_get_a_note_once() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        Parent(Parent(Strict(foreign=True)))(X)
    assert caught.value.__notes__ == ["raised in Strict at blocks/0/inner/blocks/0/inner"]
    with pytest.raises(ZeroDivisionError) as caught:
        Strict(foreign=True)(X)
    assert caught.value.__notes__ == ["raised in Strict"]


def test_errors_of_jax_get_a_note_with_the_path() -> None:
    net = make_net()
    with pytest.raises(TypeError) as caught:
        net(X[:, :2])
    assert [n for n in caught.value.__notes__ if n.startswith("raised")] == [
        "raised in Dense at layers/0"
    ]


@pytest.mark.parametrize("transform", [jax.jit, tx.jit, lambda f: tx.jit(f, donate=True)])
def test_errors_under_jit_have_the_path_too(transform: Any) -> None:
    with pytest.raises(ShapeError, match="Strict at blocks/0/inner"):
        transform(lambda m, x: m(x))(Parent(Strict()), X)
    with pytest.raises(ZeroDivisionError) as caught:
        transform(lambda m, x: m(x))(Parent(Strict(foreign=True)), X)
    assert "raised in Strict at blocks/0/inner" in caught.value.__notes__


def test_errors_during_init_have_the_path_too() -> None:
    with pytest.raises(ShapeError, match="Strict at blocks/0/inner"):
        Parent(Strict()).init(0, X)


class Repeating(tx.Module):
    """Calls its children in copies."""

    def __init__(self, *children: Any) -> None:
        self.children = list(children)

    def __call__(self, x: Any) -> Any:
        for child in self.children:
            x = tx.remat(lambda child, x: child(x))(child, x)
        return x


@pytest.mark.parametrize(
    ("inner", "path"),
    [
        (tx.nn.Repeated(Parent(Strict()), 3), "blocks/0/inner/block/blocks/0/inner"),
        (Repeating(Parent(Strict())), "blocks/0/inner/children/0/blocks/0/inner"),
        (Repeating(Repeating(Strict())), "blocks/0/inner/children/0/children/0"),
        (Repeating(tx.nn.Identity(), Strict()), "blocks/0/inner/children/1"),
        (Repeating(Strict(), Strict()), "blocks/0/inner/*"),
    ],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_errors_in_the_copies_of_transformations_have_the_path_of_the_original(
    inner: Any, path: str, compiled: bool
) -> None:
    model = Parent(inner)
    with pytest.raises(ShapeError) as caught:
        (tx.jit(model) if compiled else model)(X)
    assert caught.value.path == path


def test_a_module_that_is_only_like_a_child_is_not_taken_for_it() -> None:
    other = Parent(Strict())

    class Calling(tx.Module):
        def __init__(self) -> None:
            self.child = Parent(Strict())

        def __call__(self, x: Any) -> Any:
            return other(x)

    with pytest.raises(ShapeError) as caught:
        Calling()(X)
    assert caught.value.path == "blocks/0/inner"


def test_errors_that_cannot_be_marked_pass_unchanged() -> None:
    class Sealed(Exception):
        __slots__ = ()

        def __setattr__(self, name: str, value: Any) -> None:
            raise AttributeError(name)

    class Model(tx.Module):
        def __call__(self) -> None:
            raise Sealed("as it was")

    with pytest.raises(Sealed, match="as it was"):
        Model()()


def test_keyboard_interrupts_pass_through() -> None:
    class Model(tx.Module):
        def __call__(self) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Model()()


def test_super_calls_and_inherited_calls_work() -> None:
    class Child(Dense):
        def __call__(self, x: Any) -> Any:
            return super().__call__(x) + 1

    class Grandchild(Child):
        pass

    model = Grandchild(2).init(0, X)
    base = Dense(2).init(0, X)
    assert jnp.allclose(model(X), base(X) + 1)


def test_a_module_without_a_call_says_so() -> None:
    class Model(tx.Module):
        pass

    with pytest.raises(TypeError, match="not callable"):
        Model()()  # type: ignore[operator]


def test_methods_other_than_call_may_be_used_at_any_time() -> None:
    class Model(tx.Module):
        w: Any = tx.Parameter.node()

        def size(self) -> int:
            return 3

    assert Model().size() == 3


def test_the_call_keeps_its_name_and_signature() -> None:
    assert Net.__call__.__name__ == "__call__"
    assert list(inspect.signature(Net.__call__).parameters) == ["self", "x"]
    assert list(inspect.signature(Scale().__call__).parameters) == ["x"]


def test_refusals_of_the_core_are_not_given_a_module_that_is_not_theirs() -> None:
    class Model(tx.Module):
        def __call__(self) -> None:
            tx.Initializer(3)  # type: ignore[arg-type]

    with pytest.raises(ArgumentError, match=r"^Initializer: expected"):
        Model()()
