"""`RemoteMonitor`: the logs of each epoch, sent to a server."""

from __future__ import annotations

import urllib.parse
import urllib.request
import warnings
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from treexlite._errors import ArgumentError, TreexliteWarning, describe
from treexlite.callbacks._arguments import number
from treexlite.callbacks._callback import Callback, Logs
from treexlite.callbacks._plain import as_json


class RemoteMonitor(Callback):
    """Posts the logs of each epoch to a server; one that does not answer is a warning.

    The body is JSON: `{"epoch": 0, "loss": 0.5, ...}`. Only the standard library is used.

    Args:
        root: the address of the server, with `http://` or `https://`.
        path: joined to it.
        field: the name of the field that has the JSON, when it is sent as a form.
        headers: further headers, for example `{"Authorization": ...}`.
        send_as_json: send the JSON itself, instead of a form with one field.
        timeout: for how many seconds to wait for an answer.

    Raises:
        ArgumentError: `root` is no address of a web server, or `timeout` is not positive.

    Example:
        >>> import treexlite as tx
        >>> monitor = tx.callbacks.RemoteMonitor("http://localhost:9000", send_as_json=True)
        >>> monitor.url  # trainer.fit(x, y, callbacks=[monitor])
        'http://localhost:9000/publish/epoch/end/'

    Reference:
        Keras, which needs the package requests. Numbers that are not finite are strings, as in
        `JSONLogger`.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
        timeout: float = 5.0,
    ) -> None:
        given: Any = root
        if not isinstance(given, str) or not given.startswith(("http://", "https://")):
            raise ArgumentError(
                "RemoteMonitor",
                expected="`root` to begin with http:// or https://",
                received=f"root={describe(root)}",
                fix="Pass for example `root='http://localhost:9000'`.",
            )
        self.url = root + path
        self.field = field
        self.headers = dict(headers or {})
        self.send_as_json = send_as_json
        self.timeout = number("RemoteMonitor", "timeout", timeout, above=0.0)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Post the logs."""
        text = as_json({"epoch": epoch, **(logs or {})})
        body, kind = urllib.parse.urlencode({self.field: text}), "x-www-form-urlencoded"
        if self.send_as_json:
            body, kind = text, "json"
        headers = {"Content-Type": f"application/{kind}", **self.headers}
        request = urllib.request.Request(self.url, body.encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=self.timeout):
                pass
        except (OSError, HTTPException) as error:  # URLError and timeouts are OSErrors
            warnings.warn(
                f"RemoteMonitor: {self.url} cannot be reached, epoch {epoch + 1} was not sent:"
                f" {error}",
                TreexliteWarning,
                stacklevel=2,
            )
