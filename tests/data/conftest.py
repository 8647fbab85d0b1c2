"""A tiny data set in the registry, a project folder of its own, a web server that misbehaves."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlsci.data import fetching, idx, registry
from mlsci.data.registry import DataSet

HEIGHT, WIDTH, TRAIN, TEST = 5, 6, 12, 4


@dataclass
class Tiny:
    """A data set of 12 + 4 images whose files the tests write, and damage, as they like."""

    root: Path
    images: np.ndarray
    labels: np.ndarray
    contents: dict[str, bytes]
    set_record: Callable[[DataSet], None]

    @property
    def record(self) -> DataSet:
        return registry.describe("tiny")

    def change(self, **fields: Any) -> None:
        self.set_record(replace(self.record, **fields))

    def write(self, folder: Path, gz: bool = True) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.contents.items():
            if gz:
                (folder / f"{name}.gz").write_bytes(gzip.compress(content))
            else:
                (folder / name).write_bytes(content)
        return folder

    @property
    def cache(self) -> Path:
        return self.root / "project" / "data" / "raw" / "tiny"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    rng = np.random.default_rng(7)
    images = rng.integers(0, 256, (TRAIN + TEST, HEIGHT, WIDTH), dtype=np.uint8)
    labels = (np.arange(TRAIN + TEST) % 3).astype(np.uint8)
    arrays = (images[:TRAIN], labels[:TRAIN], images[TRAIN:], labels[TRAIN:])
    contents = [idx.encode(a) for a in arrays]
    hashes = [hashlib.sha256(c).hexdigest() for c in contents]
    files = registry.idx_files(TRAIN, TEST, HEIGHT, WIDTH, (*hashes,))  # type: ignore[arg-type]
    record = DataSet("tiny", "Tiny", "For tests", "CC0", "None", "None", files)

    (tmp_path / "project").mkdir()
    monkeypatch.setenv("MLSCI_HOME", str(tmp_path / "project"))
    monkeypatch.delenv("MLSCI_DATA", raising=False)
    set_record = partial(monkeypatch.setitem, registry.REGISTRY, "tiny")
    set_record(record)
    named = {file.name: content for file, content in zip(files, contents)}
    return Tiny(tmp_path, images, labels, named, set_record)


@dataclass
class Web:
    """A server on the loopback. `plan` lists, by file name, what it does at each request in turn.

    "ok", "hang up" (no answer at all), "drop" (half of the announced bytes, then the connection
    ends), "cut" (the same, but their number was not announced), "stall" (half of the bytes, then
    nothing until `released` is set), an HTTP status, or the bytes to send; after the last: "ok".
    """

    files: dict[str, bytes]
    address: str = ""
    plan: dict[str, list[str | int | bytes]] = field(default_factory=lambda: defaultdict(list))
    requests: list[str] = field(default_factory=list)
    watch: Path | None = None
    seen: list[list[str]] = field(default_factory=list)  # complete-looking files at each request
    stalled: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.rpartition("/")[2]
        self.requests.append(name)
        if self.watch is not None:
            self.seen.append(sorted(p.name for p in self.watch.glob("*")))
        step = self.plan[name].pop(0) if self.plan[name] else "ok"
        if isinstance(step, int):
            handler.send_error(step)
            return
        if step == "hang up":
            return
        body = step if isinstance(step, bytes) else self.files[name]
        handler.send_response(200)
        if step != "cut":
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        if step == "stall":
            self.stalled.set()
            self.released.wait(30)
        elif step not in ("drop", "cut"):
            handler.wfile.write(body[len(body) // 2 :])


@pytest.fixture
def web(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """Serve the tiny set at two addresses, `/first/` and `/second/`; waiting is cut short."""
    web = Web({f"{name}.gz": gzip.compress(c) for name, c in tiny.contents.items()})
    web.watch = tiny.cache

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.serve(self)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.address = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.02))
    thread.start()
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.setattr(fetching, "PAUSE", 0.0)
    monkeypatch.setattr(fetching, "TIMEOUT", (5.0, 5.0))
    tiny.change(addresses=(f"{web.address}first/",))
    yield web
    web.released.set()
    server.shutdown()
    server.server_close()
    thread.join()
