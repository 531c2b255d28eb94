"""MNIST, Fashion-MNIST and CIFAR-10 from files in their original formats, which the tests write, and from mirrors."""

import gzip
import hashlib
import io
import socket
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from course import data
from course.data import originals
from course.data.downloads import DownloadError, fetch, folder_for
from course.data.originals import read_cifar, read_idx


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
    return header + array.tobytes()


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def write_mnist(folder, prefix, n, *, pack=True, size=28, seed=0):
    """Write the two files of a part as their authors did; give what is in them."""
    x, y = pictures(n, size, size, seed=seed), pictures(n, seed=seed + 1) % 10
    for name, array in ((f"{prefix}-images-idx3-ubyte", x), (f"{prefix}-labels-idx1-ubyte", y)):
        if pack:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
        else:
            (folder / name).write_bytes(idx(array))
    return x, y


def cifar_files(n):
    """The contents of the six files, n pictures each, and what is in them, part by part."""
    files, parts = {}, {"train": [], "test": []}
    for i, name in enumerate([f"data_batch_{k}.bin" for k in range(1, 6)] + ["test_batch.bin"]):
        x, y = pictures(n, 3, 32, 32, seed=i), pictures(n, seed=100 + i) % 10
        files[name] = np.concatenate([y[:, None], x.reshape(n, -1)], axis=1).tobytes()
        parts["test" if name.startswith("test") else "train"].append((x, y))
    return files, {k: tuple(map(np.concatenate, zip(*v, strict=True))) for k, v in parts.items()}


def write_tar(path, files):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


# ---- from a local folder


@pytest.mark.parametrize("load", [data.mnist, data.fashion_mnist])
@pytest.mark.parametrize("pack", [True, False], ids=["packed", "unpacked"])
def test_the_mnist_family(load, pack, tmp_path):
    expected = {
        "train": write_mnist(tmp_path, "train", 30, pack=pack),
        "test": write_mnist(tmp_path, "t10k", 12, pack=pack, seed=5),
    }
    for part, (pixels, labels) in expected.items():
        x, y = load(part, folder=tmp_path)
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        assert x.shape == (len(pixels), 1, 28, 28)
        np.testing.assert_array_equal(np.round(x[:, 0] * 255), pixels)
        assert x.max() <= 1
        np.testing.assert_array_equal(y, labels)
        few, few_labels = load(part, limit=5, folder=str(tmp_path))
        np.testing.assert_array_equal(few, x[:5])
        np.testing.assert_array_equal(few_labels, y[:5])


@pytest.mark.parametrize("how", ["archive", "folder", "files"])
def test_cifar10(how, tmp_path):
    files, parts = cifar_files(4)
    if how == "archive":
        write_tar(tmp_path / "cifar-10-binary.tar.gz", files)
    else:
        place = tmp_path / ("cifar-10-batches-bin" if how == "folder" else "")
        place.mkdir(exist_ok=True)
        for name, content in files.items():
            (place / name).write_bytes(content)
    for part, (pixels, labels) in parts.items():
        x, y = data.cifar10(part, folder=tmp_path)
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        np.testing.assert_array_equal(np.round(x * 255), pixels)
        np.testing.assert_array_equal(y, labels)
    x, y = data.cifar10("train", limit=6, folder=tmp_path)  # reaches into the second batch
    np.testing.assert_array_equal(np.round(x * 255), parts["train"][0][:6])
    assert len(y) == 6


def test_loading_an_archive_writes_nothing(tmp_path):
    files, _ = cifar_files(1)
    write_tar(tmp_path / "cifar-10-binary.tar.gz", {**files, "../../escaped": b"x"})
    data.cifar10("test", folder=tmp_path)
    assert [p.name for p in tmp_path.rglob("*")] == ["cifar-10-binary.tar.gz"]
    assert not (tmp_path.parent / "escaped").exists()


def test_class_names():
    assert len(data.FASHION_MNIST_CLASSES) == len(data.CIFAR10_CLASSES) == 10


# ---- damaged files


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"begins with ; 00 00 08 would fit"),
        (b"\x00\x00\x0d\x01\x00\x00\x00\x01abcd", "begins with 00 00 0d 01; 00 00 08 would fit"),
        (b"\x00\x00\x08\x03\x00\x00", "ends within its header"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], r"holds 5 elements, its header says \(2, 3\), 6"),
        (idx(np.zeros((2, 3), np.uint8)) + b"!", "holds 7 elements"),
    ],
)
def test_an_idx_file_that_is_none(content, message):
    with pytest.raises(ValueError, match=message):
        read_idx(content, "file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (bytes(3072), "has 3072 bytes, which are no whole pictures of 3073"),
        (bytes([10]) + bytes(3072), "has the label 10; 0 to 9"),
        (b"\x80\x04}q\x00.", "is a Python pickle, which can run code; the binary version"),
    ],
)
def test_a_cifar_file_that_is_none(content, message):
    with pytest.raises(ValueError, match=message):
        read_cifar(content, "file")


def test_damaged_files_are_named(tmp_path):
    write_mnist(tmp_path, "train", 3)
    images = tmp_path / "train-images-idx3-ubyte.gz"
    whole = images.read_bytes()
    for broken in (whole[:-20], b"<html>not found</html>"):
        images.write_bytes(broken)
        with pytest.raises(ValueError, match=r"train-images-idx3-ubyte.gz is damaged .*: delete it and load it again"):
            data.mnist(folder=tmp_path)
    images.write_bytes(gzip.compress(idx(pictures(2, 28, 28))))
    with pytest.raises(ValueError, match=r"has shape \(2, 28, 28\), its labels \(3,\)"):
        data.mnist(folder=tmp_path)
    archive = tmp_path / "cifar-10-binary.tar.gz"
    for spoil in (lambda: archive.write_bytes(b"no archive"), lambda: write_tar(archive, {"readme.html": b""})):
        spoil()
        with pytest.raises(ValueError, match=r"cifar-10-binary.tar.gz is damaged, or has no"):
            data.cifar10(folder=tmp_path)


@pytest.mark.parametrize("load", [data.mnist, data.fashion_mnist, data.cifar10])
def test_what_a_loader_refuses(load, tmp_path):
    with pytest.raises(ValueError, match='part is \'valid\'; "train" or "test" would fit'):
        load("valid", folder=tmp_path)
    with pytest.raises(ValueError, match="limit is 0; 1 or more"):
        load(limit=0, folder=tmp_path)


# ---- from mirrors, which run on this machine


class Mirror(ThreadingHTTPServer):
    """A web server on the loopback interface that serves a dict of files, each bytes, a status or "silence"."""

    daemon_threads = True

    def __init__(self):
        self.files, self.asked, self.released = {}, [], threading.Event()
        super().__init__(("127.0.0.1", 0), self.Handler)

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = self.server.files.get(self.path[1:], 404)
            self.server.asked.append(self.path[1:])
            if content == "silence":
                self.server.released.wait(30)
                return
            status = content if isinstance(content, int) else 200
            self.send_response(status)
            self.end_headers()
            if status == 200:
                self.wfile.write(content)

        def log_message(self, *args):
            pass


@pytest.fixture
def mirrors(monkeypatch):
    """Three web servers."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = [Mirror() for _ in range(3)]
    threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in servers]
    for thread in threads:
        thread.start()
    yield servers
    for server, thread in zip(servers, threads, strict=True):
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


CONTENT = b"the right file" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def get(folder, mirrors, timeout=(5, 5)):
    return fetch("file.gz", folder=folder, mirrors=[m.address for m in mirrors], sha256=SHA256, timeout=timeout)


def test_the_first_mirror_that_has_the_right_file(mirrors, tmp_path):
    missing, wrong, right = mirrors
    missing.files["file.gz"] = 503
    wrong.files["file.gz"] = b"another file"
    right.files["file.gz"] = CONTENT
    folder = tmp_path / "not" / "there" / "yet"
    path = get(folder, mirrors)
    assert path == folder / "file.gz"
    assert path.read_bytes() == CONTENT
    assert [m.asked for m in mirrors] == [["file.gz"]] * 3
    assert [p.name for p in folder.iterdir()] == ["file.gz"]  # nothing half done is left


def test_no_mirror_is_asked_for_what_is_there(mirrors, tmp_path):
    (tmp_path / "file.gz").write_bytes(b"the caller's own")
    assert get(tmp_path, mirrors).read_bytes() == b"the caller's own"
    assert not any(m.asked for m in mirrors)


def test_a_silent_mirror_is_given_up(mirrors, tmp_path):
    mirrors[0].files["file.gz"] = "silence"
    mirrors[1].files["file.gz"] = CONTENT
    assert get(tmp_path, mirrors[:2], timeout=(5, 0.2)).read_bytes() == CONTENT


def test_when_no_mirror_helps_the_message_says_why_and_what_to_do(mirrors, tmp_path):
    mirrors[0].files["file.gz"] = 403
    mirrors[1].files["file.gz"] = b"a log-in page"
    mirrors[2].files["file.gz"] = "silence"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    with pytest.raises(DownloadError) as caught:
        fetch(
            "file.gz", folder=tmp_path, sha256=SHA256, timeout=(5, 0.2),
            mirrors=[*(m.address for m in mirrors), nobody],
        )  # fmt: skip
    message = str(caught.value)
    assert message.startswith(f"file.gz is not in {tmp_path}, and no mirror gave it.")
    assert f"{mirrors[0].address}file.gz: answered 403 Forbidden" in message
    assert f"{mirrors[1].address}file.gz: another file, its checksum is wrong" in message
    assert f"{mirrors[2].address}file.gz: no answer in time" in message
    assert f"{nobody}file.gz: no connection" in message
    assert f"copy the file into {tmp_path} or name another folder that holds it: folder=…" in message
    assert list(tmp_path.iterdir()) == []


def test_a_loader_downloads_and_the_second_time_reads_what_it_has(mirrors, tmp_path, monkeypatch):
    original, mine = tmp_path / "original", tmp_path / "mine"
    original.mkdir()
    pixels, labels = write_mnist(original, "train", 7)
    files = {p.name: p.read_bytes() for p in original.iterdir()}
    mirrors[1].files = files
    source = originals._Source(
        tuple(m.address for m in mirrors[:2]), {name: hashlib.sha256(c).hexdigest() for name, c in files.items()}
    )
    monkeypatch.setattr(originals, "_MNIST", source)
    for _ in range(2):
        x, y = data.mnist(folder=mine)
        np.testing.assert_array_equal(np.round(x[:, 0] * 255), pixels)
        np.testing.assert_array_equal(y, labels)
    assert mirrors[1].asked == sorted(files)


def test_the_checksums_are_checksums():
    for source in (originals._MNIST, originals._FASHION, originals._CIFAR):
        assert all(mirror.startswith("http") and mirror.endswith("/") for mirror in source.mirrors)
        assert len(set(source.sha256.values())) == len(source.sha256)
        assert all(len(bytes.fromhex(digest)) == 32 for digest in source.sha256.values())


def test_without_a_folder_the_users_cache(home, monkeypatch):
    assert folder_for("mnist", None).is_relative_to(home)
    assert folder_for("mnist", None) != folder_for("fashion-mnist", None)
    assert folder_for("mnist", "~/here") == home / "here"
