"""Logs that are sent to a server of the test."""

import http.server
import json
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

from tests.callbacks.fits import DATA, line
from treexlite._errors import ArgumentError, TreexliteWarning
from treexlite.callbacks import LambdaCallback, RemoteMonitor


class Server(http.server.HTTPServer):
    """Keeps what it was sent."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[tuple[str, dict[str, str], str]] = []

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.received.append((self.path, dict(self.headers), text))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_json_of_every_epoch_is_posted(server: Server) -> None:
    monitor = RemoteMonitor(server.root, "/runs/1", headers={"X-Run": "a"}, send_as_json=True)
    history = line().fit(*DATA, 8, 2, 0, callbacks=[monitor])
    assert [path for path, _, _ in server.received] == ["/runs/1"] * 2
    _, headers, text = server.received[1]
    assert json.loads(text) == {"epoch": 1, "loss": history.history["loss"][1]}
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Run"] == "a"


def test_a_form_has_the_json_in_one_field(server: Server) -> None:
    nan = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(loss=float("nan")))
    line().fit(*DATA, 8, 1, 0, callbacks=[nan, RemoteMonitor(server.root, field="log")])
    path, headers, text = server.received[0]
    assert path == "/publish/epoch/end/"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert json.loads(urllib.parse.parse_qs(text)["log"][0]) == {"epoch": 0, "loss": "NaN"}


def test_a_server_that_refuses_is_a_warning(server: Server) -> None:
    server.status = 500
    with pytest.warns(TreexliteWarning, match="cannot be reached, epoch 1 was not sent: HTTP Erro"):
        history = line().fit(*DATA, 8, 1, 0, callbacks=[RemoteMonitor(server.root)])
    assert len(history.epoch) == 1


def test_a_server_that_is_not_there_is_a_warning() -> None:
    with Server() as closed:
        root = closed.root
    with pytest.warns(TreexliteWarning, match="epoch 1 was not sent: .*refused"):
        line().fit(*DATA, 8, 1, 0, callbacks=[RemoteMonitor(root)])


@pytest.mark.parametrize("root", ["localhost:9000", "file:///etc/passwd", 3])
def test_other_addresses_are_refused(root: Any) -> None:
    with pytest.raises(ArgumentError, match="RemoteMonitor: expected `root` to begin with http://"):
        RemoteMonitor(root)


def test_the_timeout_is_checked() -> None:
    with pytest.raises(ArgumentError, match="RemoteMonitor: expected `timeout` to be a number abo"):
        RemoteMonitor(timeout=0)
