"""A hub on loopback for the real huggingface_hub client: model info, revisions, files by range, large ones from a second host.

It also plays what can go wrong: gated, missing, private, a connection that is cut, damaged bytes, a line that stands still.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE_BYTES = 20_000
"""From here on a file is stored as the hub stores large ones, on another host and with its SHA-256."""
PIECE_BYTES = 16_384


@dataclass
class Repository:
    """One repository: its commits by id, newest last, and where its branches are."""

    name: str
    commits: dict = field(default_factory=dict)
    branches: dict = field(default_factory=dict)
    card: dict = field(default_factory=dict)
    gated: bool = False
    needs: str = ""
    """Token without which it is not shown."""

    def commit(self, files, branch="main"):
        """Put files on a branch; the new commit's id."""
        content = hashlib.sha1(usedforsecurity=False)
        for name, data in sorted(files.items()):
            content.update(name.encode() + hashlib.sha256(data).digest())
        content.update(str(len(self.commits)).encode())
        made = content.hexdigest()
        self.commits[made] = dict(files)
        self.branches[branch] = made
        return made

    def resolve(self, revision):
        """Commit of a revision, or None."""
        return self.branches.get(revision) or (revision if revision in self.commits else None)


@dataclass
class Request:
    """What came in."""

    verb: str
    path: str
    host: str
    range: str
    token: str


class HubServer:
    """Start with `with`; `url` is for HF_ENDPOINT. Faults are attributes, to be changed at any time."""

    def __init__(self):
        self.repositories = {}
        self.requests = []
        self.tokens = {"hf_good"}
        self.cuts = {}
        """File -> how many bytes are sent before each of the next connections is cut, one number a connection."""
        self.damaged = set()
        """Files that are sent with one bit changed."""
        self.stands_still_after = {}
        """File -> bytes after which nothing more is sent until `go_on` is set."""
        self.go_on = threading.Event()
        self.reached = threading.Event()
        """Set when a line stands still."""
        self.served_bytes = {}
        self.down = 0
        """Status with which everything is answered; 0 = none."""

    def add(self, name, files, card=None, **more):
        """A repository with one commit on main."""
        made = self.repositories[name.lower()] = Repository(name, card=card or {}, **more)
        made.commit(files)
        return made

    def __enter__(self):
        hub = self

        class Handler(_Handler):
            server_of_test = hub

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.go_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    @property
    def url(self):
        """Address of the hub."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def store_url(self):
        """Address of the host that has the large files: another name of the same machine."""
        return f"http://localhost:{self._server.server_port}/store"

    def ranges(self, name):
        """First byte of each request for a file's content, in order."""
        found = [r for r in self.requests if r.verb == "GET" and r.path.endswith(f"/{name}")]
        return [int(r.range.removeprefix("bytes=").split("-")[0] or 0) for r in found]


class _Handler(BaseHTTPRequestHandler):
    server_of_test: HubServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Say nothing on the console."""

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def _answer(self):
        hub, path = self.server_of_test, unquote(urlsplit(self.path).path)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        request = Request(
            self.command, path, self.headers["Host"], self.headers.get("Range") or "", token
        )
        hub.requests.append(request)
        parts = path.strip("/").split("/")
        if hub.down:
            self._refuse(hub.down, "", "")
        elif parts[0] == "store":
            self._store(parts)
        elif token and token not in hub.tokens:
            self._refuse(401, "", "Invalid credentials in Authorization header")
        elif parts[:2] == ["api", "models"]:
            self._info("/".join(parts[2:4]), "/".join(parts[5:]) or "main", token)
        elif len(parts) > 4 and parts[2] == "resolve":
            self._resolve("/".join(parts[:2]), parts[3], "/".join(parts[4:]), token)
        else:
            self._refuse(404, "", "Not found")

    def _find(self, name, token):
        """The repository, or None after a refusal; information on a gated one is public, its files are not."""
        found = self.server_of_test.repositories.get(name.lower())
        if found is None or (found.needs and token != found.needs):
            # as the hub does: strangers do not learn whether it exists
            self._refuse(401 if not token else 404, "RepoNotFound", "Repository not found")
            return None
        return found

    def _info(self, name, revision, token):
        repository = self._find(name, token)
        if repository is None:
            return
        commit = repository.resolve(revision)
        if commit is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        siblings = []
        for file, data in repository.commits[commit].items():
            entry = {"rfilename": file, "size": len(data), "blobId": _git_hash(data)}
            if len(data) >= LARGE_BYTES:
                sha256 = hashlib.sha256(data).hexdigest()
                entry["lfs"] = {"sha256": sha256, "size": len(data), "pointerSize": 134}
            siblings.append(entry)
        self._json(
            {
                "id": repository.name,
                "sha": commit,
                "private": False,
                "gated": "manual" if repository.gated else False,
                "cardData": repository.card,
                "siblings": siblings,
                "tags": [],
            }
        )

    def _resolve(self, name, revision, file, token):
        repository = self._find(name, token)
        if repository is None:
            return
        commit = repository.resolve(revision)
        if repository.gated and token not in self.server_of_test.tokens:
            self._refuse(
                403 if token else 401, "GatedRepo", f"Access to model {name} is restricted."
            )
        elif commit is None:
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif file not in repository.commits[commit]:
            self._refuse(404, "EntryNotFound", "Entry not found")
        else:
            self._file(repository, commit, file)

    def _file(self, repository, commit, file):
        data = repository.commits[commit][file]
        headers = {"X-Repo-Commit": commit}
        if len(data) >= LARGE_BYTES:
            sha256 = hashlib.sha256(data).hexdigest()
            headers |= {"X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(len(data))}
            headers["Location"] = (
                f"{self.server_of_test.store_url}/{repository.name}/{commit}/{file}"
            )
            self._send(302, b"", headers)
            return
        self._content(file, data, {**headers, "ETag": f'"{_git_hash(data)}"'})

    def _store(self, parts):
        repository = self.server_of_test.repositories["/".join(parts[1:3]).lower()]
        file = "/".join(parts[4:])
        data = repository.commits[parts[3]][file]
        self._content(file, data, {"ETag": f'"{hashlib.sha256(data).hexdigest()}"'})

    def _content(self, file, data, headers):
        hub = self.server_of_test
        if file in hub.damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        first = int((self.headers.get("Range") or "bytes=0-").split("=")[1].split("-")[0])
        status = 206 if self.headers.get("Range") else 200
        if status == 206:
            headers = {**headers, "Content-Range": f"bytes {first}-{len(data) - 1}/{len(data)}"}
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data) - first)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        with contextlib.suppress(OSError):
            self._play(file, data[first:])

    def _play(self, file, data):
        """Send the bytes, or as many of them as the test lets through."""
        hub, sent = self.server_of_test, 0
        cuts = hub.cuts.get(file) or []
        until = cuts.pop(0) if cuts else len(data)
        still = hub.stands_still_after.get(file)
        while sent < min(until, len(data)):
            if still is not None and sent >= still and not hub.go_on.is_set():
                hub.reached.set()
                hub.go_on.wait(30)
            limit = min(until, len(data))
            if still is not None and sent < still:
                limit = min(limit, still)
            piece = data[sent : min(sent + PIECE_BYTES, limit)]
            self.wfile.write(piece)
            sent += len(piece)
            hub.served_bytes[file] = hub.served_bytes.get(file, 0) + len(piece)
        if sent < len(data):
            self.close_connection = True

    def _json(self, value):
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status, code, message):
        headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
        self._send(status, json.dumps({"error": message}).encode(), headers)

    def _send(self, status, body, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _git_hash(data):
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


def weights(hidden_size=64, layers=3, vocabulary=300, blocks=2, seed=0):
    """Bytes of a safetensors file with the tensors that tell a model's size, in bfloat16."""
    shapes = {"model.embed_tokens.weight": (vocabulary, hidden_size)}
    for layer in range(layers):
        shapes[f"model.layers.{layer}.self_attn.o_proj.weight"] = (hidden_size, hidden_size)
    for block in range(blocks):
        shapes[f"visual.blocks.{block}.norm1.weight"] = (hidden_size,)
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shapes.items():
        length = 2 * (shape[0] * shape[1] if len(shape) == 2 else shape[0])
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [at, at + length]}
        at += length
    text = json.dumps(header).encode()
    content = hashlib.shake_256(str(seed).encode()).digest(at)
    return len(text).to_bytes(8, "little") + text + content


def config(hidden_size=64, layers=3, vocabulary=300, blocks=2, **more):
    """Bytes of the `config.json` of the same model."""
    text = {"hidden_size": hidden_size, "num_hidden_layers": layers, "vocab_size": vocabulary}
    document = {"model_type": "qwen2_5_vl", **text, "vision_config": {"depth": blocks}, **more}
    return json.dumps(document).encode()


PROCESSOR = {
    "preprocessor_config.json": b'{"patch_size": 14}',
    "tokenizer.json": b'{"version": "1.0"}',
    "tokenizer_config.json": b'{"tokenizer_class": "Qwen2Tokenizer"}',
    "chat_template.json": b'{"chat_template": "of the base"}',
}


def model_files(**more):
    """A whole model as a hub holds it, with what is not to be fetched."""
    return {
        "config.json": config(),
        "model.safetensors": weights(),
        "README.md": b"# A model",
        **PROCESSOR,
        **more,
    }
