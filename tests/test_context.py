import asyncio
import contextvars
import threading
from typing import Any

import pytest

import treexlite as tx
from tests._core.modules import Scale
from treexlite._context import FRAME, current_init, entered


def test_outside_of_everything_there_is_no_frame() -> None:
    assert FRAME.get() is None
    assert current_init() is None


def test_frames_nest_and_inherit_what_listens() -> None:
    with entered("outer", init="run", keys="keys", recorder="recorder") as outer:
        with entered("inner", keys="other") as inner:
            assert FRAME.get() is inner
            assert inner.parent is outer
            assert (inner.init, inner.keys, inner.recorder) == ("run", "other", "recorder")
            assert current_init() == "run"
        assert FRAME.get() is outer
        assert outer.keys == "keys"
    assert FRAME.get() is None


def test_an_inline_context_is_not_inherited() -> None:
    with entered("outer", compact="run"), entered("inner") as inner:
        assert inner.compact is None


def test_a_frame_is_left_also_after_an_error() -> None:
    with pytest.raises(RuntimeError, match="stop"), entered("module"):
        raise RuntimeError("stop")
    assert FRAME.get() is None


def test_calls_of_modules_push_and_pop_frames() -> None:
    seen: list[Any] = []

    class Model(tx.Module):
        def __init__(self) -> None:
            self.scale = Scale()

        def __call__(self, fail: bool) -> None:
            frame = FRAME.get()
            assert frame is not None
            seen.append((frame.module, frame.parent))
            if fail:
                raise RuntimeError("stop")

    model = Model()
    model(False)
    with pytest.raises(RuntimeError, match="stop"):
        model(True)
    assert seen == [(model, None)] * 2
    assert FRAME.get() is None


def test_threads_start_without_a_frame_and_do_not_see_others() -> None:
    seen: list[Any] = []
    with entered("main"):
        thread = threading.Thread(target=lambda: seen.append(FRAME.get()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_a_context_that_is_carried_to_a_thread_is_seen_there() -> None:
    seen: list[Any] = []
    with entered("main") as frame:
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(lambda: seen.append(FRAME.get()),))
        thread.start()
        thread.join()
    assert seen == [frame]


def test_async_tasks_do_not_see_each_others_frames() -> None:
    async def task(name: str) -> list[Any]:
        names = []
        with entered(name):
            for _ in range(3):
                await asyncio.sleep(0)
                frame = FRAME.get()
                assert frame is not None
                names.append(frame.module)
        return names

    async def main() -> list[list[Any]]:
        return await asyncio.gather(*(task(str(number)) for number in range(3)))

    assert asyncio.run(main()) == [[str(number)] * 3 for number in range(3)]


def test_a_generator_that_is_dropped_inside_its_block_does_no_harm() -> None:
    def keys() -> Any:
        with tx.rng_key(0):
            while True:
                yield tx.next_key()

    generator = keys()
    first = next(generator)
    assert first.shape == (2,)
    generator.close()
    assert FRAME.get() is None
