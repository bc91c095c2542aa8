"""How far a training is."""

from treexlite.training._position import Position


def test_an_epoch_is_begun_ended_and_continued() -> None:
    position = Position()
    assert position.begin(0) == 0
    position.advance(5)
    assert (position.epoch, position.batch, position.step) == (0, 5, 5)
    assert position.begin(0) == 5
    position.end(0)
    assert (position.epoch, position.batch, position.step) == (1, 0, 5)
    position.advance(2)
    assert position.begin(3) == 0
